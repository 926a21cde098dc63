package store

import (
	"context"
	"encoding/json"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// An attempt is Running from the click to the verdict, then Done for ever.
const (
	Running = "running"
	Done    = "done"
)

// Attempt is one run of one check for one student. Attempts are the only
// source of scores: nothing else is kept that could disagree with them.
type Attempt struct {
	// ID is a UUID that the student's page has drawn, so that a repeated
	// request is known as such.
	ID        string
	UserID    uint
	ContextID uint // see Owner.Context
	Course    string
	Tutorial  string
	Check     string `gorm:"column:check_id"`
	State     string
	Revision  string // of the script
	GuestID   string // whose machine it ran in is told by the guest
	Image     string // digest
	Vars      string // JSON object
	Verdict   string // of package checks; empty while Running
	Score     float64
	Points    float64 // of the check at that time
	Message   string
	// Theirs is what in Message an author or a guest has said, so that only the
	// rest is said again in another language; nil for attempts from before it
	// was kept.
	Theirs *string
	// Answer is what was answered to a question: a JSON list of IDs of choices,
	// or of one text. Empty for a check.
	Answer string
	// Auto says that the page asked by itself. Such a run is kept only where it
	// has won something; it is nothing that the student has tried.
	Auto bool
	// Fits is a user of the same context whose values a wrong answer would have
	// been right for; 0 if there is none, or too many to mean anything.
	Fits uint

	ExitStatus           *int
	Stdout, Stderr       string
	StdoutCut, StderrCut int64 // bytes left out
	StartedAt            time.Time
	EndedAt              *time.Time
}

// Owner says whose attempt it is.
func (a Attempt) Owner() Owner { return Owner{a.UserID, a.ContextID, a.Course, a.Tutorial} }

// Answered is what was answered; nil at a check.
func (a Attempt) Answered() []string {
	var answer []string
	if a.Answer == "" || json.Unmarshal([]byte(a.Answer), &answer) != nil {
		return nil
	}
	return answer
}

// BeginAttempt stores a new Running attempt. If one with this ID is there
// already, of whomever, it is returned instead with false.
func (s *Store) BeginAttempt(ctx context.Context, a Attempt) (Attempt, bool, error) {
	a.State, a.StartedAt = Running, s.db.NowFunc()
	res := s.db.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&a)
	if res.Error != nil {
		return Attempt{}, false, translate(res.Error)
	}
	if res.RowsAffected == 1 {
		return a, true, nil
	}
	there, err := s.Attempt(ctx, a.ID)
	return there, false, err
}

// FinishAttempt stores the outcome of a Running attempt. ErrNotFound if it is
// not Running any more: whoever finished it first has won. In the same
// transaction the grade is put into the outbox, so that it can't be forgotten.
func (s *Store) FinishAttempt(ctx context.Context, a Attempt) error {
	a.State = Done
	return translate(s.transact(ctx, func(tx *gorm.DB) error {
		res := tx.Model(&Attempt{}).
			Where("id = ? AND state = ?", a.ID, Running).
			Select("state", "revision", "guest_id", "image", "vars", "verdict", "score", "points", "message", "theirs", "fits",
				"exit_status", "stdout", "stderr", "stdout_cut", "stderr_cut", "ended_at").
			Updates(a)
		if res.Error == nil && res.RowsAffected == 0 {
			return ErrNotFound
		}
		if res.Error != nil {
			return res.Error
		}
		return bumpOutbox(tx, a.ContextID, a.Course, a.Tutorial, &a.UserID)
	}))
}

// AddAttempt stores an attempt that is done already. If one with this ID is
// there, of whomever, it is returned instead with false. In the same
// transaction the grade is put into the outbox.
func (s *Store) AddAttempt(ctx context.Context, a Attempt) (Attempt, bool, error) {
	a.State = Done
	fresh := false
	err := s.transact(ctx, func(tx *gorm.DB) error {
		fresh = false
		res := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&a)
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		fresh = true
		return bumpOutbox(tx, a.ContextID, a.Course, a.Tutorial, &a.UserID)
	})
	if err != nil || fresh {
		return a, fresh, translate(err)
	}
	there, err := s.Attempt(ctx, a.ID)
	return there, false, err
}

// Tries are how often an owner has tried a check: attempts that are running,
// and those that could tell.
func (s *Store) Tries(ctx context.Context, o Owner, check string) (int, error) {
	var n int64
	err := ownedBy(s.db.WithContext(ctx).Model(&Attempt{}), o).
		Where("check_id = ? AND NOT auto AND verdict <> ?", check, "unsure").Count(&n).Error
	return int(n), translate(err)
}

// Attempt returns ErrNotFound if there is none.
func (s *Store) Attempt(ctx context.Context, id string) (Attempt, error) {
	a, err := gorm.G[Attempt](s.db).Where("id = ?", id).First(ctx)
	return a, translate(err)
}

// RunningAttempts are those of an owner, or of all if o is nil.
func (s *Store) RunningAttempts(ctx context.Context, o *Owner) ([]Attempt, error) {
	q := gorm.G[Attempt](s.db).Where("state = ?", Running)
	if o != nil {
		q = q.Where("user_id = ? AND context_id = ? AND course = ? AND tutorial = ?", o.UserID, o.Context, o.Course, o.Tutorial)
	}
	return q.Order("started_at, id").Find(ctx)
}

// RecentAttempts are a user's in one context, newest first, without their output.
func (s *Store) RecentAttempts(ctx context.Context, user, lms uint, limit int) ([]Attempt, error) {
	return gorm.G[Attempt](s.db).Where("user_id = ? AND context_id = ? AND state = ?", user, lms, Done).
		Omit("stdout", "stderr").Order("started_at DESC, id").Limit(limit).Find(ctx)
}

// HintOpening says that a student has read a hint.
type HintOpening struct {
	UserID                 uint   `gorm:"primaryKey;autoIncrement:false"`
	ContextID              uint   `gorm:"primaryKey;autoIncrement:false"`
	Course, Tutorial, Hint string `gorm:"primaryKey"`
	At                     time.Time
}

// OpenHint notes that a hint was read. Repeating it changes nothing.
func (s *Store) OpenHint(ctx context.Context, o Owner, hint string) error {
	return s.db.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&HintOpening{
		UserID: o.UserID, ContextID: o.Context, Course: o.Course, Tutorial: o.Tutorial, Hint: hint, At: s.db.NowFunc(),
	}).Error
}
