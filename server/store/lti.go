package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Context is a course of a learning platform.
type Context struct {
	ID           uint
	PlatformID   uint
	Deployment   string
	LTIID        string `gorm:"column:lti_id"` // the platform's id, unique in its deployment
	Label, Title string
	SourcedID    string   // the institution's number of the section
	Memberships  string   // URL of the roster; empty where there is none
	LineItems    string   // URL of the line items; empty where there is none
	Scopes       []string `gorm:"serializer:json"` // of the grade service
	// RosterAt is when the roster was last read; RosterWhy what went wrong
	// since then, empty if nothing.
	RosterAt  *time.Time
	RosterWhy string
	CreatedAt time.Time
}

// ResourceLink is one placement of Labmark in a context. It shows a tutorial,
// or a whole course where Tutorial is empty; nothing yet where Course is
// empty too. Its grade is that of what it shows.
type ResourceLink struct {
	ID        uint
	ContextID uint
	LTIID     string `gorm:"column:lti_id"` // the platform's id, unique in its context
	Title     string
	Course    string
	Tutorial  string
	LineItem  string  // URL; empty until it is known
	Maximum   float64 // points at the platform; 0 means those of what it shows
	CreatedAt time.Time
}

// Launch is what one verified launch tells of people and places.
type Launch struct {
	User       User     // PlatformID and Subject say who
	Context    *Context // PlatformID, Deployment and LTIID say which
	Membership Membership
	Link       *ResourceLink // LTIID says which
}

// TakeLaunch stores what a launch tells, all or nothing, and returns it with
// all IDs. What the launch leaves empty keeps its former value, except that
// names and addresses follow the platform, which may withdraw them.
func (s *Store) TakeLaunch(ctx context.Context, l Launch) (Launch, error) {
	told := l
	err := s.transact(ctx, func(tx *gorm.DB) error {
		l = told.copy()
		if l.Context != nil {
			if err := putContext(tx, l.Context); err != nil {
				return err
			}
		}
		if err := putUser(tx, &l.User); err != nil || l.Context == nil {
			return err
		}
		l.Membership.ContextID, l.Membership.UserID, l.Membership.Active = l.Context.ID, l.User.ID, true
		if err := putMembership(tx, &l.Membership); err != nil {
			return err
		}
		if l.Link == nil {
			return nil
		}
		l.Link.ContextID = l.Context.ID
		return putLink(tx, l.Link)
	})
	return l, translate(err)
}

// copy is a launch that can be changed without this one.
func (l Launch) copy() Launch {
	if l.Context != nil {
		c := *l.Context
		l.Context = &c
	}
	if l.Link != nil {
		link := *l.Link
		l.Link = &link
	}
	return l
}

// putUser finds or adds the user of a platform's subject.
func putUser(tx *gorm.DB, u *User) error {
	if u.PlatformID == nil || u.Subject == nil {
		return fmt.Errorf("a launch without platform or subject")
	}
	// No password login may contain ":", so the two can't meet.
	u.Login = fmt.Sprintf("lti:%d:%s", *u.PlatformID, *u.Subject)
	err := tx.Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "platform_id"}, {Name: "subject"}},
		// Launches and rosters do not tell the same numbers of a person.
		DoUpdates: append(clause.AssignmentColumns([]string{"name", "given_name", "family_name", "email"}),
			unlessEmpty("username", "sourced_id", "platform_number")...),
	}).Create(u).Error
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		// Of the two unique keys only one can be said to PostgreSQL.
		return errRace
	}
	if err != nil {
		return err
	}
	return tx.Where("platform_id = ? AND subject = ?", u.PlatformID, u.Subject).First(u).Error
}

// unlessEmpty takes new values on a conflict, unless they are empty.
func unlessEmpty(columns ...string) (set []clause.Assignment) {
	for _, name := range columns {
		set = append(set, clause.Assignment{Column: clause.Column{Name: name},
			Value: gorm.Expr("COALESCE(NULLIF(excluded." + name + ", ''), users." + name + ")")})
	}
	return set
}

func putContext(tx *gorm.DB, c *Context) error {
	told := *c
	_, err := findOrAdd(tx, c, "platform_id = ? AND deployment = ? AND lti_id = ?", c.PlatformID, c.Deployment, c.LTIID)
	if err != nil {
		return err
	}
	if err := takeTurn(tx, turnOf(c.ID)); err != nil {
		return err
	}
	keep(&c.Label, told.Label)
	keep(&c.Title, told.Title)
	keep(&c.SourcedID, told.SourcedID)
	keep(&c.Memberships, told.Memberships)
	keep(&c.LineItems, told.LineItems)
	if len(told.Scopes) > 0 {
		c.Scopes = told.Scopes
	}
	return tx.Save(c).Error
}

// keep takes a new value, unless it is empty.
func keep(old *string, told string) {
	if told != "" {
		*old = told
	}
}

func putLink(tx *gorm.DB, l *ResourceLink) error {
	told := *l
	other, err := findOrAdd(tx, l, "context_id = ? AND lti_id = ?", l.ContextID, l.LTIID)
	if err != nil {
		return err
	}
	keep(&l.Title, told.Title)
	keep(&l.LineItem, told.LineItem)
	if told.Course != "" && (told.Course != l.Course || told.Tutorial != l.Tutorial) {
		l.Course, l.Tutorial, other = told.Course, told.Tutorial, true
	}
	if err := tx.Save(l).Error; err != nil || !other {
		return err
	}
	// There may be work already, by way of another link.
	return bumpOutbox(tx, l.ContextID, l.Course, l.Tutorial, nil)
}

// Context returns ErrNotFound if there is none.
func (s *Store) Context(ctx context.Context, id uint) (Context, error) {
	c, err := gorm.G[Context](s.db).Where("id = ?", id).First(ctx)
	return c, translate(err)
}

// Contexts are in order of platform and title.
func (s *Store) Contexts(ctx context.Context) ([]Context, error) {
	return gorm.G[Context](s.db).Order("platform_id, title, id").Find(ctx)
}

// Links are a context's, in order of their making.
func (s *Store) Links(ctx context.Context, contextID uint) ([]ResourceLink, error) {
	return gorm.G[ResourceLink](s.db).Where("context_id = ?", contextID).Order("id").Find(ctx)
}

// Link returns ErrNotFound if there is none.
func (s *Store) Link(ctx context.Context, id uint) (ResourceLink, error) {
	l, err := gorm.G[ResourceLink](s.db).Where("id = ?", id).First(ctx)
	return l, translate(err)
}

// SetLinkTarget says what a link shows, and puts the grades of all into the
// outbox afresh.
func (s *Store) SetLinkTarget(ctx context.Context, id uint, course, tutorial string) error {
	return translate(s.transact(ctx, func(tx *gorm.DB) error {
		var l ResourceLink
		if err := tx.Clauses(forUpdate).First(&l, id).Error; err != nil {
			return err
		}
		l.Course, l.Tutorial = course, tutorial
		if err := tx.Save(&l).Error; err != nil {
			return err
		}
		return bumpOutbox(tx, l.ContextID, course, tutorial, nil)
	}))
}

// SetLineItem remembers the line item that was found or made for a link.
func (s *Store) SetLineItem(ctx context.Context, link uint, url string, maximum float64) error {
	return s.db.WithContext(ctx).Model(&ResourceLink{}).Where("id = ?", link).
		Updates(map[string]any{"line_item": url, "maximum": maximum}).Error
}

// UserBySubject returns nil if a platform's subject was never here.
func (s *Store) UserBySubject(ctx context.Context, platform uint, subject string) (*User, error) {
	u, err := gorm.G[User](s.db).Where("platform_id = ? AND subject = ?", platform, subject).First(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	return &u, err
}

// ContextsUsedSince are those with a roster and with a launch since then.
func (s *Store) ContextsUsedSince(ctx context.Context, since time.Time) ([]Context, error) {
	return gorm.G[Context](s.db).Where("memberships <> ''").
		Where("id IN (SELECT context_id FROM memberships WHERE last_launch > ?)", since.UTC()).Find(ctx)
}
