package guests

import (
	"context"
	"errors"
	"fmt"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
)

// TooMany says that a user's quota is used up.
type TooMany struct {
	Has int // tutorials with machines, running or waited for
	// Oldest is whose machines were used the longest ago, of those that run:
	// what could be stopped instead. Nobody's if none runs.
	Oldest store.Owner
}

func (e TooMany) Error() string {
	return fmt.Sprintf("you have machines in %d tutorials already", e.Has)
}

// takes says whether a state counts against the maximum of running guests.
func (s State) takes() bool { return s == Starting || s == Ready || s == Resetting || s == Stopping }

// used is how many guests run or soon will, without those that wait in the
// pool: nobody loses anything where these give way.
func (m *Manager) used() (n int) {
	for _, l := range m.leases() {
		if l.Status().State.takes() {
			n++
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return n + len(m.aside) + m.securing
}

// room says whether n more guests may run for students of a course.
func (m *Manager) room(n int, course string) bool {
	return (m.cfg.MaxRunning == 0 || m.used()+n <= m.cfg.MaxRunning) && m.courseRoom(n, course)
}

// courseRoom says whether a course may have n more.
func (m *Manager) courseRoom(n int, course string) bool {
	if m.cfg.PerCourse == 0 {
		return true
	}
	for _, l := range m.leases() {
		if l.owner.Course == course && l.Status().State.takes() {
			n++
		}
	}
	return n <= m.cfg.PerCourse
}

// quota holds an owner who wants to start against what one user may have.
func (m *Manager) quota(o store.Owner) error {
	if m.cfg.PerUser == 0 {
		return nil
	}
	var e TooMany
	for _, b := range m.labsOf(o.UserID) {
		if b.owner == o {
			continue
		}
		state := b.status(m.begun).State
		if state == None || state == Suspended || state == Failed || state == Stopping {
			continue
		}
		e.Has++
		if state == Ready && (e.Oldest == store.Owner{} || m.lastActive(b.owner).Before(m.lastActive(e.Oldest))) {
			e.Oldest = b.owner
		}
	}
	if e.Has < m.cfg.PerUser {
		return nil
	}
	return e
}

// makeRoom removes guests from the pool where with them too many would run.
func (m *Manager) makeRoom(ctx context.Context) {
	for m.cfg.MaxRunning > 0 {
		_, free := m.Counts()
		if m.used()+free <= m.cfg.MaxRunning || !m.evict(ctx) {
			return
		}
	}
}

// evict removes a guest from the pool for one that somebody wants now; false
// if none is there or it can't be removed.
func (m *Manager) evict(ctx context.Context) bool {
	m.mu.Lock()
	var g *machine
	for k, free := range m.free {
		if len(free) > 0 {
			g, m.free[k] = free[0], free[1:]
			break
		}
	}
	m.mu.Unlock()
	if g == nil {
		return false
	}
	g.hangUp()
	err := m.cfg.Table.SetGuestMode(ctx, g.id, store.Retiring)
	if err == nil {
		err = m.cfg.Backend.Destroy(ctx, g.id)
	}
	if err == nil {
		err = m.cfg.Table.DeleteGuest(ctx, g.id)
	}
	return err == nil // what is left is removed by the scan
}

// reserved makes a guest that does not run yet, and gives up ones of the pool
// for it.
func (m *Manager) reserved(ctx context.Context, p Plan, o *store.Owner) (*machine, error) {
	for {
		g, err := m.reserve(ctx, p, o)
		if o == nil || !errors.Is(err, vmbackend.ErrFull) || !m.evict(ctx) {
			return g, err
		}
	}
}
