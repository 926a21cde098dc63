package store

import (
	"context"

	"gorm.io/gorm"
)

// Person is all that is kept about one user.
type Person struct {
	User        User
	Memberships []Membership
	Contexts    []Context // those of Memberships
	Attempts    []Attempt // with their output, oldest first
	Hints       []HintOpening
	Allowances  []Allowance
	Overrides   []Override // of the user's points, oldest first
	Grades      []OutboxGrade
	Guests      []Guest
	Setups      []SetupRun // of their guests, with output, oldest first
	Keys        []SSHKey
	Acts        []AuditEntry // what they did, newest first
}

// Person returns ErrNotFound if there is no such user.
func (s *Store) Person(ctx context.Context, id uint) (Person, error) {
	var p Person
	tx := s.db.WithContext(ctx)
	if err := tx.First(&p.User, id).Error; err != nil {
		return Person{}, translate(err)
	}
	of := tx.Where("user_id = ?", id).Session(&gorm.Session{})
	for _, err := range []error{
		of.Find(&p.Memberships).Error,
		tx.Where("id IN (SELECT context_id FROM memberships WHERE user_id = ?)", id).Find(&p.Contexts).Error,
		of.Order("started_at, id").Find(&p.Attempts).Error,
		of.Order("at").Find(&p.Hints).Error,
		of.Find(&p.Allowances).Error,
		of.Order("id").Find(&p.Overrides).Error,
		of.Find(&p.Grades).Error,
		of.Find(&p.Guests).Error,
		of.Order("id").Find(&p.Setups).Error,
		of.Order("id").Find(&p.Keys).Error,
		of.Order("id DESC").Find(&p.Acts).Error,
	} {
		if err != nil {
			return Person{}, err
		}
	}
	return p, nil
}

// Erase removes a user and all that is kept about them, and lets their guests
// retire: the gateway destroys those. ErrNotFound if there is no such user.
//
// What the user has decided about others stays, with a number that no longer
// belongs to anybody: numbers of users are never given twice.
func (s *Store) Erase(ctx context.Context, id uint) error {
	if s.postgres() {
		return translate(s.transact(ctx, func(tx *gorm.DB) error { return erase(tx, id) }))
	}
	return s.db.WithContext(ctx).Connection(func(conn *gorm.DB) error {
		// What is deleted is to be overwritten, not only forgotten.
		if err := conn.Exec("PRAGMA secure_delete = ON").Error; err != nil {
			return err
		}
		defer conn.Exec("PRAGMA secure_delete = OFF")
		if err := conn.Transaction(func(tx *gorm.DB) error { return erase(tx, id) }); err != nil {
			return translate(err)
		}
		// Old pages stand in the log until it is written back. A reader may
		// keep it open; then the next checkpoint does it.
		return conn.Exec("PRAGMA wal_checkpoint(TRUNCATE)").Error
	})
}

func erase(tx *gorm.DB, id uint) error {
	res := tx.Delete(&User{}, id)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		return ErrNotFound
	}
	for _, of := range []any{&Attempt{}, &HintOpening{}, &Membership{}, &Allowance{}, &Override{}, &OutboxGrade{}, &SetupRun{}, &SSHKey{}} {
		if err := tx.Where("user_id = ?", id).Delete(of).Error; err != nil {
			return err
		}
	}
	if err := eraseAudit(tx, id); err != nil {
		return err
	}
	// What others have answered stays, but not whose values it would have fitted.
	if err := tx.Model(&Attempt{}).Where("fits = ?", id).Update("fits", 0).Error; err != nil {
		return err
	}
	return tx.Model(&Guest{}).Where("user_id = ?", id).Updates(map[string]any{
		"mode": Retiring, "mode_since": tx.NowFunc(), "user_id": nil, "context_id": nil, "course": nil, "tutorial": nil,
	}).Error
}
