package gradebook

import (
	"context"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
)

// Class is how everybody in a context stands in one tutorial. Checks stand in
// Tutorial.Checks, in order.
type Class struct {
	Course   *content.Course
	Tutorial *content.Tutorial
	Policy   progress.Policy
	Students []Student // in order of name
}

// Class returns students × checks; store.ErrNotFound if there is no such
// tutorial. Attempts in it have only what points are made of, no messages.
func (b Book) Class(ctx context.Context, contextID uint, course, tutorial string) (Class, error) {
	t, c := b.tutorial(course, tutorial)
	if t == nil {
		return Class{}, store.ErrNotFound
	}
	w, err := b.Store.Work(ctx, store.Owner{Context: contextID, Course: course, Tutorial: tutorial})
	if err != nil {
		return Class{}, err
	}
	work := byUser(w)
	members, err := b.students(ctx, contextID, work)
	if err != nil {
		return Class{}, err
	}
	class := Class{Course: c, Tutorial: t, Policy: progress.Settings(w, c, t)}
	for _, m := range members {
		class.Students = append(class.Students, Student{m, work.of(m.User.ID, c, t)})
	}
	return class, nil
}

// students are those who get grades in a context, and those who no longer do
// but have worked. Who teaches is none, whatever they have tried.
func (b Book) students(ctx context.Context, contextID uint, work userWork) ([]store.Member, error) {
	members, err := b.members(ctx, contextID)
	if err != nil {
		return nil, err
	}
	var out []store.Member
	for _, m := range members {
		if m.Learner && (m.Active || work[m.User.ID] != nil) {
			out = append(out, m)
		}
	}
	return out, nil
}

func (b Book) members(ctx context.Context, contextID uint) ([]store.Member, error) {
	if contextID != 0 {
		return b.Store.Members(ctx, contextID)
	}
	users, err := b.Store.Users(ctx)
	if err != nil {
		return nil, err
	}
	var out []store.Member
	for _, u := range users {
		if u.PlatformID == nil {
			out = append(out, store.Member{User: u, Membership: store.Membership{UserID: u.ID, Learner: true, Active: true}})
		}
	}
	return out, nil
}

// userWork is a context's work, taken apart by user. The entry of user 0 has
// what is the same for all.
type userWork map[uint]*store.Work

func byUser(w store.Work) userWork {
	out := userWork{0: {Settings: w.Settings}}
	of := func(user uint) *store.Work {
		if out[user] == nil {
			out[user] = &store.Work{Settings: w.Settings}
		}
		return out[user]
	}
	for rest := w.Attempts; len(rest) > 0; {
		run := runOfUser(rest)
		rest = rest[len(run):]
		if u := of(run[0].UserID); u.Attempts == nil {
			u.Attempts = run // the usual case, without copying
		} else {
			u.Attempts = append(u.Attempts, run...)
		}
	}
	for _, h := range w.Hints {
		u := of(h.UserID)
		u.Hints = append(u.Hints, h)
	}
	for _, a := range w.Allowances {
		u := of(a.UserID)
		u.Allowances = append(u.Allowances, a)
	}
	for _, o := range w.Overrides {
		u := of(o.UserID)
		u.Overrides = append(u.Overrides, o)
	}
	return out
}

// runOfUser is the attempts of one user that stand together at the beginning.
func runOfUser(list []store.Attempt) []store.Attempt {
	n := 1
	for n < len(list) && list[n].UserID == list[0].UserID {
		n++
	}
	return list[:n:n]
}

// of works out where a user stands.
func (w userWork) of(user uint, c *content.Course, t *content.Tutorial) progress.Tutorial {
	own := w[user]
	if own == nil {
		own = w[0]
	}
	return progress.Of(c.ID, t, progress.Select(*own, c, t, user))
}
