package store

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// States of a grade in the outbox.
const (
	OutboxWaiting = "waiting" // to be sent at NextTry or later
	OutboxSending = "sending" // a request is under way
	OutboxSent    = "sent"    // the platform has it
	OutboxRefused = "refused" // set aside for a person
	OutboxNowhere = "nowhere" // there is nothing to send, or no place to send it to
)

// Sending is one score as it went, or goes, to a platform.
type Sending struct {
	Score, Max float64
	Comment    string
	Cleared    bool   // an empty grade instead of the score
	To         string // URL of the line item
}

// Same says whether two scores are one to those who see them.
func (s Sending) Same(o Sending) bool {
	return s.To == o.To && s.Cleared == o.Cleared &&
		(s.Cleared || s.Score == o.Score && s.Max == o.Max && s.Comment == o.Comment)
}

// OutboxGrade says how far one user's grade at one resource link has come on
// its way to the platform. It holds no grade: that is worked out from the
// attempts when it is sent, so the newest wins.
type OutboxGrade struct {
	LinkID uint `gorm:"primaryKey;autoIncrement:false"`
	UserID uint `gorm:"primaryKey;autoIncrement:false"`
	// Version grows with every change of what the grade is made of;
	// SentVersion is the one that the platform has.
	Version, SentVersion int64
	State                string
	Why                  string // for people: why it is not sent
	Tries                int    // since the last change or success
	NextTry              time.Time
	LastError            string
	LastTimestamp        *time.Time // of the last score that was posted
	// Flying was posted with the timestamp FlyingAt, and it is not known
	// whether it has arrived; there is none where that is nil.
	Flying   Sending `gorm:"embedded;embeddedPrefix:flying_"`
	FlyingAt *time.Time
	// Sent is the last that has arrived, at SentAt; nil if none ever has.
	Sent      Sending `gorm:"embedded;embeddedPrefix:sent_"`
	SentAt    *time.Time
	ChangedAt time.Time
}

// TableName is where GORM looks for it.
func (OutboxGrade) TableName() string { return "outbox" }

// bumpOutbox notes that grades have changed in every resource link of a
// context that shows the tutorial or its whole course: those of one user, or,
// if user is nil, of all who have attempts there or stand in the outbox. An
// empty tutorial is every one of the course. Only active learners have grades
// at a platform.
func bumpOutbox(tx *gorm.DB, contextID uint, course, tutorial string, user *uint) error {
	if contextID == 0 {
		return nil
	}
	whose := "m.user_id = @user"
	if user == nil {
		whose, user = worked, new(uint)
	}
	return bump(tx, contextID, `l.course = @course AND (l.tutorial = @tutorial OR l.tutorial = '' OR @tutorial = '') AND `+whose,
		map[string]any{"course": course, "tutorial": tutorial, "user": *user})
}

// bumpMember does the same for all that one member has worked at in a context.
func bumpMember(tx *gorm.DB, contextID, user uint) error {
	return bump(tx, contextID, "m.user_id = @user AND "+worked, map[string]any{"user": user})
}

// worked is true of a member m who has attempts at what a link l shows, or
// stands in the outbox for it.
const worked = `(EXISTS (SELECT 1 FROM attempts a WHERE a.context_id = l.context_id AND a.user_id = m.user_id
		AND a.course = l.course AND (a.tutorial = l.tutorial OR l.tutorial = ''))
	OR EXISTS (SELECT 1 FROM outbox o WHERE o.link_id = l.id AND o.user_id = m.user_id))`

// bump puts the grades at links l of members m of a context into the outbox.
func bump(tx *gorm.DB, contextID uint, where string, args map[string]any) error {
	args["context"] = contextID
	args["now"] = tx.NowFunc()
	// Who becomes a learner at this moment must be seen here, or see this.
	if err := shareTurn(tx, turnOf(contextID)); err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO outbox (link_id, user_id, version, sent_version, state, why, tries, next_try, last_error,
			flying_score, flying_max, flying_comment, flying_cleared, flying_to,
			sent_score, sent_max, sent_comment, sent_cleared, sent_to, changed_at)
		SELECT l.id, m.user_id, 1, 0, 'waiting', '', 0, @now, '', 0, 0, '', FALSE, '', 0, 0, '', FALSE, '', @now
		FROM resource_links l JOIN memberships m ON m.context_id = l.context_id
		WHERE l.context_id = @context AND m.learner AND m.active AND `+where+`
		ON CONFLICT (link_id, user_id) DO UPDATE SET version = outbox.version + 1, state = 'waiting', why = '',
			tries = 0, next_try = excluded.next_try, changed_at = excluded.changed_at`, args).Error
}

// DueGrade names a grade that is to be sent now, and to which platform.
type DueGrade struct{ LinkID, UserID, PlatformID uint }

// DueGrades are those waiting whose time has come, longest due first, without
// those of some platforms.
func (s *Store) DueGrades(ctx context.Context, now time.Time, without []uint, limit int) ([]DueGrade, error) {
	q := s.db.WithContext(ctx).Table("outbox").Select("outbox.link_id, outbox.user_id, c.platform_id").
		Joins("JOIN resource_links l ON l.id = outbox.link_id JOIN contexts c ON c.id = l.context_id").
		Where("outbox.state = ? AND outbox.next_try <= ?", OutboxWaiting, now.UTC())
	if len(without) > 0 {
		q = q.Where("c.platform_id NOT IN ?", without)
	}
	var due []DueGrade
	err := q.Order("outbox.next_try, outbox.link_id, outbox.user_id").Limit(limit).Scan(&due).Error
	return due, err
}

// NextGrade is when the next waiting grade is due, after now; zero if none is.
func (s *Store) NextGrade(ctx context.Context, now time.Time) (time.Time, error) {
	var next []OutboxGrade
	err := s.db.WithContext(ctx).Select("next_try").Where("state = ? AND next_try > ?", OutboxWaiting, now.UTC()).
		Order("next_try").Limit(1).Find(&next).Error
	if err != nil || len(next) == 0 {
		return time.Time{}, err
	}
	return next[0].NextTry, nil
}

// SaveGrades stores how far grades have come, all or none. One that has
// changed since it was read waits to be sent again instead of resting.
func (s *Store) SaveGrades(ctx context.Context, grades ...OutboxGrade) error {
	return s.transact(ctx, func(tx *gorm.DB) error {
		for _, g := range grades {
			if err := saveGrade(tx, g); err != nil {
				return err
			}
		}
		return nil
	})
}

func saveGrade(tx *gorm.DB, g OutboxGrade) error {
	err := tx.Exec(`UPDATE outbox SET sent_version = @sent, tries = @tries, last_error = @error,
			state = @state, why = @why, next_try = @next, last_timestamp = @stamp,
			flying_score = @fscore, flying_max = @fmax, flying_comment = @fcomment, flying_cleared = @fcleared,
			flying_to = @fto, flying_at = @fat,
			sent_score = @sscore, sent_max = @smax, sent_comment = @scomment, sent_cleared = @scleared,
			sent_to = @sto, sent_at = @sat
		WHERE link_id = @link AND user_id = @user`,
		map[string]any{
			"link": g.LinkID, "user": g.UserID,
			"sent": g.SentVersion, "tries": g.Tries, "error": g.LastError, "state": g.State, "why": g.Why,
			"next": g.NextTry.UTC(), "stamp": utc(g.LastTimestamp),
			"fscore": g.Flying.Score, "fmax": g.Flying.Max, "fcomment": g.Flying.Comment, "fcleared": g.Flying.Cleared,
			"fto": g.Flying.To, "fat": utc(g.FlyingAt),
			"sscore": g.Sent.Score, "smax": g.Sent.Max, "scomment": g.Sent.Comment, "scleared": g.Sent.Cleared,
			"sto": g.Sent.To, "sat": utc(g.SentAt),
		}).Error
	if err != nil || g.State == OutboxWaiting || g.State == OutboxSending {
		return err
	}
	return tx.Exec(`UPDATE outbox SET state = 'waiting', why = '', next_try = ?
		WHERE link_id = ? AND user_id = ? AND version > ?`, tx.NowFunc(), g.LinkID, g.UserID, g.Version).Error
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// ReviveGrades lets grades wait again that can go on: those that were being
// sent when the gateway ended (only if none is, at the start), those that had
// nowhere to go and now have, and those whose line item is another one by now.
func (s *Store) ReviveGrades(ctx context.Context, start bool) error {
	return s.exec(ctx, `UPDATE outbox SET state = 'waiting', next_try = @now
		WHERE state = 'sending' AND @start
			OR state = 'nowhere' AND next_try <= @now AND EXISTS (SELECT 1 FROM resource_links l JOIN contexts c ON c.id = l.context_id
				WHERE l.id = outbox.link_id AND (l.line_item <> '' OR c.line_items <> ''))
			OR state = 'sent' AND sent_to <> '' AND EXISTS (SELECT 1 FROM resource_links l
				WHERE l.id = outbox.link_id AND l.line_item <> '' AND l.line_item <> outbox.sent_to)`,
		map[string]any{"now": s.db.NowFunc(), "start": start})
}

// ofPlatform narrows a statement on the outbox to one platform's.
const ofPlatform = ` AND link_id IN (SELECT l.id FROM resource_links l JOIN contexts c ON c.id = l.context_id WHERE c.platform_id = @platform)`

// HoldGrades lets all waiting grades of a platform that is in trouble wait
// until then, and say why.
func (s *Store) HoldGrades(ctx context.Context, platform uint, until time.Time, why string) error {
	return s.exec(ctx, `UPDATE outbox SET why = @why,
			next_try = CASE WHEN next_try < @until THEN @until ELSE next_try END
		WHERE state = 'waiting'`+ofPlatform,
		map[string]any{"platform": platform, "until": until.UTC(), "why": why})
}

// WakeGrades makes all waiting grades of a platform due: it works again.
func (s *Store) WakeGrades(ctx context.Context, platform uint, now time.Time) error {
	return s.exec(ctx, `UPDATE outbox SET next_try = @now WHERE state = 'waiting' AND next_try > @now`+ofPlatform,
		map[string]any{"platform": platform, "now": now.UTC()})
}

// RetryGrade makes a grade due that waits, was refused or had nowhere to go;
// false if it is none of these.
func (s *Store) RetryGrade(ctx context.Context, link, user uint) (bool, error) {
	n, err := s.retry(ctx, "link_id = ? AND user_id = ? AND state IN ?", link, user,
		[]string{OutboxWaiting, OutboxRefused, OutboxNowhere})
	return n > 0, err
}

// RetryRefused makes all refused grades of a context due, and returns how many.
func (s *Store) RetryRefused(ctx context.Context, contextID uint) (int64, error) {
	return s.retry(ctx, "state = ? AND link_id IN (SELECT id FROM resource_links WHERE context_id = ?)", OutboxRefused, contextID)
}

func (s *Store) retry(ctx context.Context, where string, args ...any) (int64, error) {
	var n int64
	err := s.transact(ctx, func(tx *gorm.DB) error {
		res := tx.Model(&OutboxGrade{}).Where(where, args...).
			Updates(map[string]any{"state": OutboxWaiting, "tries": 0, "next_try": tx.NowFunc()})
		n = res.RowsAffected
		return res.Error
	})
	return n, err
}
