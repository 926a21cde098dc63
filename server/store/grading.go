package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// GradeSettings say how attempts at one tutorial become a grade in one
// context. What is nil or empty is left to the course.
type GradeSettings struct {
	ContextID        uint   `gorm:"primaryKey;autoIncrement:false"`
	Course, Tutorial string `gorm:"primaryKey"`
	// Keep names the attempt at a check that counts: "best", "latest" or "first".
	Keep string
	// Due is when being late begins; after Until nothing counts.
	Due, Until *time.Time
	// Penalty is the share of a score, in [0,1], that each started day after
	// Due costs.
	Penalty *float64
	// Weight of the tutorial in the grade of its whole course, 0 or more.
	Weight *float64
	By     uint // the user who has set it; 0 is the command line or the platform
	At     time.Time
}

// TableName is what GORM asks for.
func (GradeSettings) TableName() string { return "grade_settings" }

// Allowance is what an instructor grants one student in one tutorial.
type Allowance struct {
	ContextID        uint          `gorm:"primaryKey;autoIncrement:false"`
	UserID           uint          `gorm:"primaryKey;autoIncrement:false"`
	Course, Tutorial string        `gorm:"primaryKey"`
	Extra            time.Duration // on top of due dates, 0 or more
	Excused          bool          // the tutorial does not count
	Reason           string
	By               uint // as in GradeSettings
	At               time.Time
}

// Override is an instructor's word on one student's points in one tutorial.
// It holds until a later one. None is ever changed or removed, but with its
// student.
type Override struct {
	ID               uint
	ContextID        uint
	UserID           uint
	Course, Tutorial string
	Points           *float64 // nil takes the former override back
	Reason           string
	By               uint // as in GradeSettings
	At               time.Time
}

// GradeSettings are a context's; one for each tutorial that has any.
func (s *Store) GradeSettings(ctx context.Context, contextID uint) ([]GradeSettings, error) {
	return gorm.G[GradeSettings](s.db).Where("context_id = ?", contextID).Order("course, tutorial").Find(ctx)
}

// SetGradeSettings replaces a tutorial's settings in a context, and puts the
// grades of all its students into the outbox.
func (s *Store) SetGradeSettings(ctx context.Context, g GradeSettings) error {
	if err := g.check(); err != nil {
		return err
	}
	g.At, g.Due, g.Until = s.db.NowFunc(), inUTC(g.Due), inUTC(g.Until)
	return translate(s.transact(ctx, func(tx *gorm.DB) error {
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&g).Error; err != nil {
			return err
		}
		return bumpOutbox(tx, g.ContextID, g.Course, g.Tutorial, nil)
	}))
}

func (g GradeSettings) check() error {
	switch g.Keep {
	case "", "best", "latest", "first":
	default:
		return fmt.Errorf("%q says not which attempt counts: take best, latest or first", g.Keep)
	}
	if p := g.Penalty; p != nil && !(*p >= 0 && *p <= 1) {
		return fmt.Errorf("a penalty of %v a day: take a share from 0 to 1", *p)
	}
	if w := g.Weight; w != nil && !notNegative(*w) {
		return fmt.Errorf("a weight of %v: take 0 or more", *w)
	}
	if g.Due != nil && g.Until != nil && g.Until.Before(*g.Due) {
		return fmt.Errorf("the last moment %s is before the due time %s", g.Until.Format(time.RFC3339), g.Due.Format(time.RFC3339))
	}
	return nil
}

// Decide stores overrides and allowances, all or none of them, and puts the
// grades that they touch into the outbox.
func (s *Store) Decide(ctx context.Context, overrides []Override, allowances []Allowance) error {
	return translate(s.transact(ctx, func(tx *gorm.DB) error {
		for i := range overrides {
			o := &overrides[i]
			o.ID = 0
			if o.Points != nil && !notNegative(*o.Points) {
				return fmt.Errorf("an override of %v points: take 0 or more", *o.Points)
			}
			o.At = tx.NowFunc()
			if err := tx.Create(o).Error; err != nil {
				return err
			}
			if err := bumpOutbox(tx, o.ContextID, o.Course, o.Tutorial, &o.UserID); err != nil {
				return err
			}
		}
		for i := range allowances {
			a := &allowances[i]
			if a.Extra < 0 {
				return fmt.Errorf("%v of extra time: take 0 or more", a.Extra)
			}
			a.At = tx.NowFunc()
			if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(a).Error; err != nil {
				return err
			}
			if err := bumpOutbox(tx, a.ContextID, a.Course, a.Tutorial, &a.UserID); err != nil {
				return err
			}
		}
		return nil
	}))
}

func notNegative(f float64) bool { return f >= 0 && !math.IsInf(f, 0) }

func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// Work is all that grades are made of.
type Work struct {
	Attempts   []Attempt // done ones
	Hints      []HintOpening
	Settings   []GradeSettings // of the whole context
	Allowances []Allowance
	Overrides  []Override // oldest first
}

// Work returns what grades in one context are made of: those of one tutorial,
// or of all where o names none, and of one user, or of everybody if o.UserID
// is 0. Attempts then have only what points are made of; else all but their
// output and variables.
func (s *Store) Work(ctx context.Context, o Owner) (Work, error) {
	var w Work
	err := s.snapshot(ctx, func(tx *gorm.DB) error {
		for _, err := range []error{
			w.findAttempts(tx, o),
			ownedBy(tx, o).Find(&w.Hints).Error,
			tx.Where("context_id = ?", o.Context).Find(&w.Settings).Error,
			ownedBy(tx, o).Find(&w.Allowances).Error,
			ownedBy(tx, o).Order("id").Find(&w.Overrides).Error,
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	return w, translate(err)
}

func (w *Work) findAttempts(tx *gorm.DB, o Owner) error {
	q := ownedBy(tx.Model(&Attempt{}), o).Where("state = ?", Done)
	if o.UserID != 0 {
		return q.Omit("stdout", "stderr", "vars").Find(&w.Attempts).Error
	}
	// A class has a hundred thousand of them: the columns are those of the
	// index attempt_marks, and are read without GORM's reflection.
	var n int64
	if err := q.Count(&n).Error; err != nil {
		return err
	}
	w.Attempts = make([]Attempt, 0, n)
	rows, err := q.Select("user_id, course, tutorial, check_id, started_at, id, verdict, score, auto, fits").Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		a := Attempt{ContextID: o.Context, State: Done}
		if err := rows.Scan(&a.UserID, &a.Course, &a.Tutorial, &a.Check, &a.StartedAt, &a.ID, &a.Verdict, &a.Score, &a.Auto, &a.Fits); err != nil {
			return err
		}
		w.Attempts = append(w.Attempts, a)
	}
	return rows.Err()
}
