package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// CourseVersion is a version of a course that was served.
type CourseVersion struct {
	ID       uint
	Course   string
	Revision string // content.Course.Revision
	Commit   string // of a git repository; empty for a folder
	At       time.Time
	// Checks and Changes against the version before are JSON.
	Checks, Changes string
}

// VersionCheck is a check as one version has it.
type VersionCheck struct {
	Tutorial, Check, Title string
	Points                 float64
	Revision               string // server/lab.Revision
}

// ChangeKind says what became of a check.
type ChangeKind string

const (
	CheckAdded    ChangeKind = "added"
	CheckRemoved  ChangeKind = "removed"
	CheckChanged  ChangeKind = "changed" // it decides otherwise
	PointsChanged ChangeKind = "points"
)

// VersionChange is one difference between a version and the one before.
type VersionChange struct {
	Kind                   ChangeKind
	Tutorial, Check, Title string
	Points, Was            float64 // worth now, and before
}

// Shape decodes Checks.
func (v CourseVersion) Shape() (out []VersionCheck, err error) {
	return out, json.Unmarshal([]byte(v.Checks), &out)
}

// Differences decodes Changes.
func (v CourseVersion) Differences() (out []VersionChange, err error) {
	return out, json.Unmarshal([]byte(v.Changes), &out)
}

// AddCourseVersion stores a version that is served from now on.
func (s *Store) AddCourseVersion(ctx context.Context, v CourseVersion, checks []VersionCheck, changes []VersionChange) error {
	shape, err := json.Marshal(checks)
	if err != nil {
		return err
	}
	differences, err := json.Marshal(changes)
	if err != nil {
		return err
	}
	v.At, v.Checks, v.Changes = s.db.NowFunc(), string(shape), string(differences)
	return gorm.G[CourseVersion](s.db).Create(ctx, &v)
}

// CourseVersions are a course's, newest first.
func (s *Store) CourseVersions(ctx context.Context, course string, limit int) ([]CourseVersion, error) {
	return gorm.G[CourseVersion](s.db).Where("course = ?", course).Order("id DESC").Limit(limit).Find(ctx)
}

// courseVersions brings the history of what was served.
var courseVersions = &gormigrate.Migration{
	ID: "0020-course-versions",
	Migrate: func(tx *gorm.DB) error {
		type CourseVersion struct {
			ID       uint   `gorm:"primaryKey"`
			Course   string `gorm:"index;not null"`
			Revision string `gorm:"not null"`
			Commit   string
			At       time.Time
			Checks   string
			Changes  string
		}
		return tx.AutoMigrate(&CourseVersion{})
	},
}
