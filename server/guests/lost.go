package guests

import (
	"context"
	"errors"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// What becomes of guests whose node does not answer any more. A guest that was
// in use is given up: its student gets another one elsewhere, and what may be
// left of it is removed when the node is back. A guest that was switched off
// waits for its node, until its student wants to go on. No row ever changes its
// guest, so a node that comes back late finds nothing that could be doubled.

const (
	lostNews = "This is a new machine: the computer that your last one ran on can't be used any more. " +
		"What you did in it is gone, your points are kept."
	movingWords = "The computer that your machine runs on does not answer. You are getting a new machine; your points are kept."
	awayWords   = "Your machine is switched off, and the computer that it is on does not answer at the moment. " +
		"If you start now you get a new one; your points are kept."
)

// lost deals with a guest whose node was lost when looked at.
func (m *Manager) lost(id string, looked time.Time) {
	if m.dropFree(id) {
		m.discard(id)
		return
	}
	l := m.holder(id)
	if l == nil || !l.move(looked) {
		return // nobody's, switched off, or an operation is under way that will notice
	}
	g := l.held()
	m.cfg.Log.Warn("a student's guest is lost with its node", "guest", id, "user", l.owner.UserID)
	m.supply(l.owner, []job{{l, func(ctx context.Context) (*machine, error) { return m.instead(ctx, l, g, m.planOf(l, g.kind)) }}})
}

// move enters Starting for a guest that was ready all the time since it was
// looked at.
func (l *lease) move(looked time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status.State != Ready || !l.status.Since.Before(looked) {
		return false
	}
	l.status.State, l.status.Detail, l.status.Since = Starting, movingWords, time.Now()
	return true
}

// instead gives a lease another guest for one that is no more or that nobody
// can reach.
func (m *Manager) instead(ctx context.Context, l *lease, gone *machine, p Plan) (*machine, error) {
	if err := m.takeAway(ctx, gone); err != nil {
		return gone, err
	}
	g, err := m.fresh(ctx, l, p)
	if g != nil {
		g.news = lostNews
	}
	return g, err
}

// unsurePause is the pause between two tries to reach a node of which it is
// not yet said that it is lost.
const unsurePause = time.Second

// bootKept boots a guest that holds its student's work. It is not given up for
// a node that only stumbles: ErrUnreachable is returned when the guest is lost.
func (m *Manager) bootKept(ctx context.Context, g *machine) error {
	for {
		err := m.boot(ctx, g)
		if !errors.Is(err, vmbackend.ErrUnreachable) || m.isLost(ctx, g.id) {
			return err
		}
		select {
		case <-time.After(unsurePause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *Manager) isLost(ctx context.Context, id string) bool {
	list, err := m.cfg.Backend.List(ctx)
	if err != nil {
		return false
	}
	for _, g := range list {
		if g.ID == id {
			return g.State == vmbackend.Lost
		}
	}
	return true
}

// removed notes how the removal of a guest went.
func (m *Manager) removed(id string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil && m.stranded[id]:
		delete(m.stranded, id)
		m.cfg.Log.Info("removed a guest that a lost node had left", "guest", id, "still_left", len(m.stranded))
	case err == nil || m.ctx.Err() != nil || m.stranded[id]:
	case errors.Is(err, vmbackend.ErrUnreachable):
		m.stranded[id] = true
		m.cfg.Log.Warn("guest is removed when its node is back", "guest", id, "err", err)
	default:
		m.cfg.Log.Error("guest can't be removed, will try again", "guest", id, "err", err)
	}
}
