package guests

import (
	"cmp"
	"slices"
	"time"

	"github.com/labmark/labmark/server/store"
)

// Notice is something that an owner should know now.
type Notice struct {
	// ID is the owner's only notice of that name; a newer one takes its place.
	ID   string
	Kind NoticeKind
	Text string
	// Until is when what it tells of happens; zero for none.
	Until  time.Time
	Action NoticeAction
	// Gone says that it is not true any more.
	Gone bool
}

// NoticeKind is what a notice is about.
type NoticeKind string

// Closing notices tell of a guest that is about to be suspended, Replaced ones
// that another has taken its place.
const (
	Closing  NoticeKind = "closing"
	Replaced NoticeKind = "replaced"
)

// NoticeAction is what the owner may do about a notice.
type NoticeAction string

// Stay is to go on using the guest.
const Stay NoticeAction = "stay"

// Notices are those that stand for an owner, for a page that comes later.
func (m *Manager) Notices(o store.Owner) []Notice {
	b := m.lab(o)
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []Notice
	for _, n := range b.presence.notices {
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b Notice) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// post tells an owner of a notice, once.
func (m *Manager) post(b *lab, n Notice) {
	b.mu.Lock()
	known := b.presence.notices[n.ID] == n
	if b.presence.notices == nil {
		b.presence.notices = map[string]Notice{}
	}
	b.presence.notices[n.ID] = n
	b.mu.Unlock()
	if !known {
		m.tell(b.owner, n)
	}
}

// retract takes a notice back that is not true any more.
func (m *Manager) retract(b *lab, id string) {
	b.mu.Lock()
	n, stood := b.presence.notices[id]
	delete(b.presence.notices, id)
	b.mu.Unlock()
	if stood {
		n.Gone = true
		m.tell(b.owner, n)
	}
}

func (m *Manager) tell(o store.Owner, n Notice) {
	if m.cfg.Rest.Tell != nil {
		m.cfg.Rest.Tell(o, n)
	}
}
