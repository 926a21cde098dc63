package guests

import (
	"cmp"
	"maps"
	"slices"

	"github.com/labmark/labmark/server/store"
)

// Holding is one guest that somebody has, running or not.
type Holding struct {
	Owner  store.Owner
	Name   string // of the guest in the tutorial
	State  State
	Detail string // for its student
}

// Holdings are a user's guests, of all tutorials, in order of course, tutorial
// and place in it.
func (m *Manager) Holdings(user uint) []Holding {
	labs := m.labsOf(user)
	slices.SortFunc(labs, func(a, b *lab) int {
		return cmp.Or(cmp.Compare(a.owner.Course, b.owner.Course), cmp.Compare(a.owner.Tutorial, b.owner.Tutorial),
			cmp.Compare(a.owner.Context, b.owner.Context))
	})
	var out []Holding
	for _, b := range labs {
		for _, l := range b.all() {
			s := l.Status()
			if l.held() == nil && (s.State == None || s.State == Failed) {
				continue // there is nothing that could be entered
			}
			out = append(out, Holding{b.owner, l.name, s.State, s.Detail})
		}
	}
	return out
}

// labsOf are a user's, of all tutorials.
func (m *Manager) labsOf(user uint) []*lab {
	m.mu.Lock()
	defer m.mu.Unlock()
	labs := slices.Collect(maps.Values(m.labs))
	return slices.DeleteFunc(labs, func(b *lab) bool { return b.owner.UserID != user })
}
