package store

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Membership says what a user is in a context.
type Membership struct {
	ContextID  uint `gorm:"primaryKey"`
	UserID     uint `gorm:"primaryKey"`
	Learner    bool // gets grades
	Instructor bool // sees the class
	Active     bool
	// Listed is true for who stood in the last roster. Rosters leave out some
	// who may come, as administrators do and students of today.
	Listed     bool
	LastLaunch *time.Time // nil: known from the roster only
}

// putMembership stores what a launch (LastLaunch) or a roster (Listed) tells.
func putMembership(tx *gorm.DB, m *Membership) error {
	var before []Membership
	if err := tx.Where("context_id = ? AND user_id = ?", m.ContextID, m.UserID).Find(&before).Error; err != nil {
		return err
	}
	columns := []string{"learner", "instructor", "active"}
	if m.LastLaunch != nil {
		columns = append(columns, "last_launch")
	} else {
		columns = append(columns, "listed")
	}
	err := tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "context_id"}, {Name: "user_id"}},
		DoUpdates: clause.AssignmentColumns(columns),
	}).Create(m).Error
	if err != nil || !m.graded() || len(before) == 0 || before[0].graded() {
		return err
	}
	// What they did meanwhile was put into no outbox.
	return bumpMember(tx, m.ContextID, m.UserID)
}

// graded says whether grades of the member go to the platform.
func (m Membership) graded() bool { return m.Learner && m.Active }

// Membership returns ErrNotFound if the user is unknown in the context.
func (s *Store) Membership(ctx context.Context, contextID, user uint) (Membership, error) {
	m, err := gorm.G[Membership](s.db).Where("context_id = ? AND user_id = ?", contextID, user).First(ctx)
	return m, translate(err)
}

// Member is a user together with what they are in a context.
type Member struct {
	User
	Membership
}

// Members are all who are or were in a context, in order of name.
func (s *Store) Members(ctx context.Context, contextID uint) ([]Member, error) {
	ms, err := gorm.G[Membership](s.db).Where("context_id = ?", contextID).Find(ctx)
	if err != nil {
		return nil, err
	}
	users, err := gorm.G[User](s.db).Where("id IN (SELECT user_id FROM memberships WHERE context_id = ?)", contextID).
		Order("family_name, name, id").Find(ctx)
	if err != nil {
		return nil, err
	}
	by := map[uint]Membership{}
	for _, m := range ms {
		by[m.UserID] = m
	}
	out := make([]Member, 0, len(users))
	for _, u := range users {
		out = append(out, Member{User: u, Membership: by[u.ID]})
	}
	return out, nil
}

// TakeRoster makes a context's members those of the platform's roster: new
// ones are added, and who stood in the one before and is missing now becomes
// inactive. It returns what has changed.
func (s *Store) TakeRoster(ctx context.Context, contextID uint, roster []Member, at time.Time) (added, left int, err error) {
	told := slices.Clone(roster)
	err = s.transact(ctx, func(tx *gorm.DB) error {
		copy(roster, told)
		added, left = 0, 0
		if err := takeTurn(tx, turnOf(contextID)); err != nil {
			return err
		}
		var before []Membership
		if err := tx.Where("context_id = ? AND active", contextID).Find(&before).Error; err != nil {
			return err
		}
		active, gone := map[uint]bool{}, map[uint]bool{}
		for _, m := range before {
			active[m.UserID] = true
			if m.Listed {
				gone[m.UserID] = true
			}
		}
		for i := range roster {
			m := &roster[i]
			if err := putUser(tx, &m.User); err != nil {
				return err
			}
			if !active[m.User.ID] && m.Active {
				added++
			}
			if m.Active {
				delete(gone, m.User.ID)
			}
			m.ContextID, m.UserID, m.Listed = contextID, m.User.ID, true
			if err := putMembership(tx, &m.Membership); err != nil {
				return err
			}
		}
		for id := range gone {
			left++
			if err := tx.Model(&Membership{}).Where("context_id = ? AND user_id = ?", contextID, id).
				Updates(map[string]any{"active": false, "listed": false}).Error; err != nil {
				return err
			}
		}
		return tx.Model(&Context{}).Where("id = ?", contextID).
			Updates(map[string]any{"roster_at": at.UTC(), "roster_why": ""}).Error
	})
	return added, left, translate(err)
}

// RosterFailed notes why a context's roster can't be read.
func (s *Store) RosterFailed(ctx context.Context, contextID uint, why string) error {
	return s.db.WithContext(ctx).Model(&Context{}).Where("id = ?", contextID).Update("roster_why", why).Error
}
