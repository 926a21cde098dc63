package lms

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/store"
)

// Arrival is a verified launch after it was stored.
type Arrival struct {
	store.Launch
	Platform store.Platform
	// ForUser is whom a review or a data privacy launch is about; nil where
	// the platform names nobody, or somebody who was never here.
	ForUser *store.User
}

// Arrive stores what a launch tells.
func (o *Office) Arrive(ctx context.Context, m *lti.Message) (Arrival, error) {
	p, err := o.Store.Platform(ctx, m.Platform.ID)
	if err != nil {
		return Arrival{}, err
	}
	now := o.Now().UTC()
	l := store.Launch{User: person(p.ID, m.User)}
	if m.Context != nil {
		l.Context = contextOf(p.ID, m)
		l.Membership = store.Membership{Learner: lti.IsLearner(m.Roles), Instructor: lti.IsInstructor(m.Roles), LastLaunch: &now}
	}
	if m.Link != nil && m.Context != nil {
		l.Link = o.link(m)
	}
	if p.Name == nameless(p) && m.Installation != "" {
		p.Name = m.Installation // as people there call it
		if err := o.Store.SavePlatform(ctx, p); err != nil {
			return Arrival{}, err
		}
	}
	a := Arrival{Platform: p}
	if a.Launch, err = o.Store.TakeLaunch(ctx, l); err != nil {
		return Arrival{}, fmt.Errorf("store a launch: %w", err)
	}
	if err := o.Store.NoteLaunch(ctx, p.ID, now); err != nil {
		return Arrival{}, err
	}
	if m.ForUser != nil {
		if a.ForUser, err = o.Store.UserBySubject(ctx, p.ID, m.ForUser.Subject); err != nil {
			return Arrival{}, err
		}
	}
	if a.Context != nil && a.Membership.Instructor {
		o.refreshSoon(ctx, *a.Context)
	}
	return a, nil
}

func person(platform uint, u lti.User) store.User {
	return store.User{PlatformID: &platform, Subject: &u.Subject, Name: u.Name, GivenName: u.Given, FamilyName: u.Family,
		Email: u.Email, Username: u.Username, SourcedID: u.SourcedID, PlatformNumber: u.PlatformID}
}

func contextOf(platform uint, m *lti.Message) *store.Context {
	c := &store.Context{PlatformID: platform, Deployment: m.Deployment, LTIID: m.Context.ID,
		Label: m.Context.Label, Title: m.Context.Title, SourcedID: m.Context.SourcedID}
	if m.Grades != nil {
		c.LineItems, c.Scopes = m.Grades.LineItems, m.Grades.Scopes
	}
	if m.Roster != nil {
		c.Memberships = m.Roster.Memberships
	}
	return c
}

// link is a launch's resource link and what it shows: told by a custom
// parameter ("tutorial" or "course"), or by the query of the target link. What
// is not served is taken as nothing, so that an instructor can choose again.
func (o *Office) link(m *lti.Message) *store.ResourceLink {
	l := &store.ResourceLink{LTIID: m.Link.ID, Title: m.Link.Title}
	l.Course, l.Tutorial = o.Target(target(m))
	if m.Grades != nil {
		l.LineItem = m.Grades.LineItem
	}
	return l
}

// target is "COURSE/TUTORIAL", "COURSE" or empty.
func target(m *lti.Message) string {
	for _, name := range []string{"tutorial", "course"} {
		if v := m.Custom[name]; v != "" {
			return v
		}
	}
	u, err := url.Parse(m.TargetLink)
	if err != nil {
		return ""
	}
	return u.Query().Get("tutorial") + u.Query().Get("course")
}

// Target splits "COURSE/TUTORIAL" or "COURSE", if that is served.
func (o *Office) Target(name string) (course, tutorial string) {
	course, tutorial, _ = strings.Cut(name, "/")
	if tutorial == "" && o.Catalog.Course(course) != nil {
		return course, ""
	}
	if t, _ := o.Catalog.Tutorial(store.Owner{Course: course, Tutorial: tutorial}); t != nil {
		return course, tutorial
	}
	return "", ""
}

// Rosters are read again when an instructor arrives, but not more often than
// every rosterFresh, and without anybody once a rosterOld while the context is
// in use.
const (
	rosterFresh = 2 * time.Minute
	rosterOld   = 6 * time.Hour
	inUse       = 30 * 24 * time.Hour
)

// refreshSoon reads a context's roster in the background.
func (o *Office) refreshSoon(ctx context.Context, c store.Context) {
	if c.Memberships == "" || c.RosterAt != nil && o.Now().Sub(*c.RosterAt) < rosterFresh {
		return
	}
	if _, busy := o.rosters.LoadOrStore(c.ID, struct{}{}); busy {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
	o.work.Go(func() {
		defer cancel()
		defer o.rosters.Delete(c.ID)
		if err := o.RefreshRoster(ctx, c); err != nil {
			o.Log.Warn("can't read a roster", "context", c.Title, "id", c.ID, "err", err)
		}
	})
}

// refreshOld reads the rosters of contexts in use that nobody has asked for
// in a while.
func (o *Office) refreshOld(ctx context.Context) error {
	all, err := o.Store.ContextsUsedSince(ctx, o.Now().Add(-inUse))
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.RosterAt == nil || o.Now().Sub(*c.RosterAt) > rosterOld {
			o.refreshSoon(ctx, c)
		}
	}
	return nil
}

// RefreshRoster makes a context's members those of the platform's roster.
func (o *Office) RefreshRoster(ctx context.Context, c store.Context) error {
	p, err := o.PlatformOf(ctx, c.ID)
	if err != nil {
		return err
	}
	members, err := o.Client.Members(ctx, p, c.Memberships)
	if err != nil {
		return cmp.Or(o.Store.RosterFailed(ctx, c.ID, err.Error()), err)
	}
	var roster []store.Member
	for _, m := range members {
		roster = append(roster, store.Member{User: person(p.ID, m.User), Membership: store.Membership{
			Learner: lti.IsLearner(m.Roles), Instructor: lti.IsInstructor(m.Roles), Active: m.Active}})
	}
	added, left, err := o.Store.TakeRoster(ctx, c.ID, roster, o.Now())
	if err == nil && added+left > 0 {
		o.Log.Info("roster has changed", "context", c.Title, "id", c.ID, "added", added, "left", left)
	}
	return err
}
