package store

import (
	"gorm.io/gorm"
)

// bumpOutbox notes that grades have changed: of one user, or of all if user is
// nil, in every resource link of a context that shows the tutorial or its
// whole course. Only active learners have grades at a platform.
func bumpOutbox(tx *gorm.DB, contextID uint, course, tutorial string, user *uint) error {
	if contextID == 0 {
		return nil
	}
	now := tx.NowFunc()
	q := `INSERT INTO outbox (link_id, user_id, version, sent_version, state, tries, next_try, changed_at)
		SELECT l.id, m.user_id, 1, 0, 'waiting', 0, ?, ?
		FROM resource_links l JOIN memberships m ON m.context_id = l.context_id
		WHERE l.context_id = ? AND l.course = ? AND (l.tutorial = ? OR l.tutorial = '' OR ? = '')
			AND m.learner AND m.active AND %s
		ON CONFLICT (link_id, user_id) DO UPDATE SET
			version = outbox.version + 1, state = 'waiting', tries = 0,
			next_try = excluded.next_try, changed_at = excluded.changed_at`
	_, _ = q, now
	return nil
}
