package store

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// AuditEntry says that somebody did something.
type AuditEntry struct {
	ID uint
	At time.Time
	// UserID is who did it; nil where it was nobody who is known, or the gateway.
	UserID *uint
	// Address is where from, as the browser's or the client's IP.
	Address string
	// Act is what was done, in a word of package audit; Subject on what.
	Act, Subject string
	// Guest is the ID of the guest that it was about; About a person, other
	// than who did it.
	Guest   string
	About   *uint
	Details string
}

// AddAudit stores entries; their ID is 0.
func (s *Store) AddAudit(ctx context.Context, all []AuditEntry) error {
	for i := range all {
		all[i].At = all[i].At.UTC().Truncate(time.Microsecond)
	}
	return s.db.WithContext(ctx).CreateInBatches(all, 100).Error
}

// AuditQuery says which entries are wanted; empty fields ask for nothing.
type AuditQuery struct {
	// Users are people who did it, or whom it was done to. Empty, not nil, finds
	// nothing.
	Users []uint
	// Guest and Address begin so.
	Guest, Address string
	From, To       time.Time
	// Before is an entry's ID: older ones are wanted.
	Before uint
	// Limit is how many at most; the newest come first.
	Limit int
}

// Audit finds entries.
func (s *Store) Audit(ctx context.Context, q AuditQuery) ([]AuditEntry, error) {
	tx := s.db.WithContext(ctx)
	if q.Users != nil {
		tx = tx.Where("user_id IN ? OR about IN ?", q.Users, q.Users)
	}
	for column, begin := range map[string]string{"guest": q.Guest, "address": q.Address} {
		if begin != "" {
			// A range, so that no sign of the text has a meaning of its own.
			tx = tx.Where(column+" >= ? AND "+column+" < ?", begin, begin+"\U0010ffff")
		}
	}
	if !q.From.IsZero() {
		tx = tx.Where("at >= ?", q.From.UTC())
	}
	if !q.To.IsZero() {
		tx = tx.Where("at < ?", q.To.UTC())
	}
	if q.Before != 0 {
		tx = tx.Where("id < ?", q.Before)
	}
	if q.Limit > 0 {
		tx = tx.Limit(q.Limit)
	}
	var out []AuditEntry
	return out, tx.Order("id DESC").Find(&out).Error
}

// PruneAudit removes entries from before a time.
func (s *Store) PruneAudit(ctx context.Context, before time.Time) error {
	_, err := gorm.G[AuditEntry](s.db).Where("at < ?", before.UTC()).Delete(ctx)
	return err
}

// eraseAudit removes what a person did. What others did to them stays, and
// tells no more to whom.
func eraseAudit(tx *gorm.DB, user uint) error {
	if err := tx.Where("user_id = ?", user).Delete(&AuditEntry{}).Error; err != nil {
		return err
	}
	return tx.Model(&AuditEntry{}).Where("about = ?", user).Updates(map[string]any{"about": nil, "subject": "", "details": ""}).Error
}
