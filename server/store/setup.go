package store

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// SetupRun is one run of one setup block in one guest. None is ever changed.
type SetupRun struct {
	ID        uint
	UserID    uint
	ContextID uint // see Owner.Context
	Course    string
	Tutorial  string
	GuestID   string
	Guest     string // its name in the tutorial
	Step      string // on whose entry it was run; empty for the start
	File      string // where the block stands
	Line      int
	Revision  string // of the block
	Verdict   string // of package checks
	Message   string // for instructors

	Stdout, Stderr       string
	StdoutCut, StderrCut int64 // bytes left out
	StartedAt, EndedAt   time.Time
}

// Owner says whose guest was prepared.
func (r SetupRun) Owner() Owner { return Owner{r.UserID, r.ContextID, r.Course, r.Tutorial} }

// Failed says whether the guest was left unprepared.
func (r SetupRun) Failed() bool { return r.Verdict != "pass" }

// AddSetupRun stores a run that has ended.
func (s *Store) AddSetupRun(ctx context.Context, r SetupRun) error {
	r.StartedAt, r.EndedAt = r.StartedAt.UTC(), r.EndedAt.UTC()
	return translate(gorm.G[SetupRun](s.db).Create(ctx, &r))
}

// SetupRuns are those of an owner, or of everybody in the context if o.UserID
// is 0, oldest first, with or without what the blocks have printed.
func (s *Store) SetupRuns(ctx context.Context, o Owner, output bool) (runs []SetupRun, err error) {
	q := ownedBy(s.db.WithContext(ctx), o).Order("id")
	if !output {
		q = q.Omit("stdout", "stderr")
	}
	return runs, translate(q.Find(&runs).Error)
}
