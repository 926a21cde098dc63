package gradebook

import (
	"context"
	"slices"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
)

// StudentWork is one student's work in one tutorial, with all its evidence.
type StudentWork struct {
	Student
	Course   *content.Course
	Tutorial *content.Tutorial
	// Attempts are all there are, in order of time, with their output.
	Attempts  []store.Attempt
	Overrides []store.Override // the whole history, newest first
	Values    content.Values   // the student's variables
	// Setups are the runs that prepared the student's guests, with output,
	// oldest first.
	Setups []store.SetupRun
	// Previous and Next are the neighbours in the class; nil at its ends.
	Previous, Next *store.Member
}

// Student returns store.ErrNotFound if the tutorial or the member is none of
// the context's. Somebody who teaches may be asked for too.
func (b Book) Student(ctx context.Context, o store.Owner) (StudentWork, error) {
	t, c := b.tutorial(o.Course, o.Tutorial)
	if t == nil || o.UserID == 0 {
		return StudentWork{}, store.ErrNotFound
	}
	w, err := b.Store.Work(ctx, o)
	if err != nil {
		return StudentWork{}, err
	}
	out := StudentWork{Course: c, Tutorial: t, Values: b.Catalog.Values(o)}
	out.Standing = progress.Of(c.ID, t, progress.Select(w, c, t, o.UserID))
	out.Overrides = slices.Clone(w.Overrides)
	slices.Reverse(out.Overrides)
	if err := b.place(ctx, o, &out); err != nil {
		return StudentWork{}, err
	}
	if out.Setups, err = b.Store.SetupRuns(ctx, o, true); err != nil {
		return StudentWork{}, err
	}
	err = b.Store.EachAttempt(ctx, o, func(a store.Attempt) error {
		out.Attempts = append(out.Attempts, a)
		return nil
	})
	slices.SortStableFunc(out.Attempts, func(a, b store.Attempt) int { return a.StartedAt.Compare(b.StartedAt) })
	return out, err
}

// place finds the student among the others of the class.
func (b Book) place(ctx context.Context, o store.Owner, s *StudentWork) error {
	members, err := b.members(ctx, o.Context)
	if err != nil {
		return err
	}
	found := slices.IndexFunc(members, func(m store.Member) bool { return m.User.ID == o.UserID })
	if found < 0 {
		return store.ErrNotFound
	}
	s.Member = members[found]
	s.Previous = nextLearner(slices.Backward(members[:found]))
	s.Next = nextLearner(slices.All(members[found+1:]))
	return nil
}

func nextLearner(members func(func(int, store.Member) bool)) *store.Member {
	for _, m := range members {
		if m.Learner && m.Active {
			return &m
		}
	}
	return nil
}
