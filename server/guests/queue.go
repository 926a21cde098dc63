package guests

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
)

// The queue for guests, where there is no room for another. Its rows are in the
// database and their order is kept: who is first is served first, and whoever
// comes meanwhile waits behind. Only where a course has all that it may have
// are its students passed over.

const (
	// defaultHold is how long a guest is kept for one whose turn has come.
	defaultHold = 5 * time.Minute
	// defaultGrace is how long a place is kept without an open page.
	defaultGrace = 10 * time.Minute
	// usherEvery is how often the queue is looked at when nothing happens.
	usherEvery = 5 * time.Second
)

const (
	queuedWords = "All machines are in use at the moment. You are in the queue: go on reading, this page tells you when it is your turn."
	turnWords   = "It is your turn. Preparing your machine."
	leftWords   = "You have left the queue."
	awayTooLong = "You have lost your place in the queue, because this page was closed for long. Start again to queue."
	missedWords = "It was your turn, but you did not come, so that your machine went to the next in the queue. Start again to queue."
)

// queue is what this gateway knows of the rows.
type queue struct {
	mu   sync.Mutex
	rows []store.Waiting // in order
	seen map[store.Owner]time.Time
	pace pace
	told map[store.Owner]standing
}

// standing is what an owner in the queue was told last.
type standing struct {
	place    int
	estimate time.Duration
}

// waiting says whether anybody waits for a guest, other than one owner.
func (q *queue) waiting(but store.Owner) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.ContainsFunc(q.rows, func(w store.Waiting) bool { return w.TurnAt == nil && w.Owner() != but })
}

// place is an owner's in the queue, from 1, and an estimate of the time until
// it is their turn, 0 if nobody can say. The place is 0 for who does not wait.
func (q *queue) place(o store.Owner, now time.Time) standing {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.standings(now)[o]
}

// standings are everybody's; q.mu is held.
func (q *queue) standings(now time.Time) map[store.Owner]standing {
	all, n := map[store.Owner]standing{}, 0
	for _, w := range q.rows {
		if w.TurnAt == nil {
			n++
			all[w.Owner()] = standing{n, q.pace.estimate(n, now)}
		}
	}
	return all
}

// Queue is how many wait for guests, and since when the first does; the zero
// time if nobody does.
func (m *Manager) Queue() (n int, oldest time.Time) {
	m.queue.mu.Lock()
	defer m.queue.mu.Unlock()
	for _, w := range m.queue.rows {
		if w.TurnAt != nil {
			continue
		}
		if n++; oldest.IsZero() || w.Since.Before(oldest) {
			oldest = w.Since
		}
	}
	return n, oldest
}

// turn is when an owner was given a guest from the queue, or nil.
func (q *queue) turn(o store.Owner) *time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range q.rows {
		if w.Owner() == o {
			return w.TurnAt
		}
	}
	return nil
}

// Seen notes that a page of the owner is open.
func (m *Manager) Seen(o store.Owner) {
	m.queue.mu.Lock()
	defer m.queue.mu.Unlock()
	m.queue.seen[o] = time.Now()
}

// readQueue takes the rows as they are now.
func (m *Manager) readQueue(ctx context.Context) error {
	rows, err := m.cfg.Table.Queue(ctx)
	if err != nil {
		return err
	}
	m.queue.mu.Lock()
	defer m.queue.mu.Unlock()
	m.queue.rows = rows
	return nil
}

// enqueue lets an owner wait whose leases have entered Queued.
func (m *Manager) enqueue(ctx context.Context, o store.Owner) error {
	booked := m.cfg.Booked != nil && m.cfg.Booked(o)
	err := m.cfg.Table.Enqueue(ctx, o, booked)
	if err == nil {
		err = m.readQueue(ctx)
	}
	m.Seen(o)
	m.tellPlaces()
	return err
}

// queueUp lets an owner wait for what is Queued of theirs.
func (m *Manager) queueUp(o store.Owner) (Status, error) {
	ctx, cancel := context.WithTimeout(m.ctx, 10*time.Second)
	defer cancel()
	if err := m.enqueue(ctx, o); err != nil {
		for _, l := range m.lab(o).all() {
			l.unqueue(explain(err))
		}
		return m.notify(o), err
	}
	return m.notify(o), nil
}

// giveBack frees what an owner has just got, where there was no room for all:
// two who wait for each other's would wait for ever.
func (m *Manager) giveBack(jobs []job, got []*machine) {
	for i, g := range got {
		if g == nil || jobs[i].held() == g {
			continue
		}
		g.hangUp()
		m.discard(g.id)
		jobs[i].set(Queued, queuedWords, nil)
		got[i] = nil
	}
}

// leave takes an owner out of the queue; what is queued of theirs is off then.
func (m *Manager) leave(ctx context.Context, o store.Owner, detail string) {
	err := m.cfg.Table.LeaveQueue(ctx, o)
	if err == nil {
		err = m.readQueue(ctx)
	}
	if err != nil {
		m.cfg.Log.Error("can't take a student out of the queue", "user", o.UserID, "err", err)
		return // the next look at the queue comes back to it
	}
	for _, l := range m.lab(o).all() {
		l.unqueue(detail)
	}
	m.notify(o)
	m.wakeUsher()
}

// unqueue ends Queued.
func (l *lease) unqueue(detail string) {
	if g := l.held(); l.begin(Stopping, "", Queued) {
		l.set(None, detail, g)
	}
}

func (m *Manager) wakeUsher() {
	select {
	case m.ush <- struct{}{}:
	default: // it is awake
	}
}

// usher gives guests that become free to those who wait.
func (m *Manager) usher(ctx context.Context) {
	tick := time.NewTicker(usherEvery)
	defer tick.Stop()
	for {
		if err := m.tend(ctx); err != nil && ctx.Err() == nil {
			m.cfg.Log.Error("the queue can't be served", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-m.ush:
		case <-tick.C:
		}
	}
}

// tend looks at the whole queue once.
func (m *Manager) tend(ctx context.Context) error {
	if err := m.readQueue(ctx); err != nil {
		return err
	}
	m.queue.mu.Lock()
	rows := m.queue.rows
	m.queue.mu.Unlock()
	full := m.replacing(time.Now())
	for _, w := range rows {
		switch {
		case w.TurnAt != nil:
			m.keep(ctx, w)
		case m.absent(ctx, w):
			m.leave(ctx, w.Owner(), awayTooLong)
		case !full:
			full = !m.serve(ctx, w.Owner())
		}
	}
	m.tellPlaces()
	return nil
}

// replaceGrace is how long who waits lets one who resets go before.
const replaceGrace = 30 * time.Second

// replacing says whether somebody's guest is being replaced at the moment. The
// place of the old one is theirs, not the next one's in the queue.
func (m *Manager) replacing(now time.Time) bool {
	return slices.ContainsFunc(m.leases(), func(l *lease) bool {
		s := l.Status()
		return s.State == Resetting && now.Before(s.Since.Add(replaceGrace))
	})
}

// keep looks after a guest that is kept for one whose turn has come.
func (m *Manager) keep(ctx context.Context, w store.Waiting) {
	o := w.Owner()
	s := m.lab(o).status(m.begun)
	switch {
	case s.State == Starting || s.State == Resetting:
		return
	case s.State == Ready && !m.lastActive(o).After(s.Since) && time.Now().Before(s.Since.Add(m.cfg.Hold)):
		return
	case s.State == Ready && !m.lastActive(o).After(s.Since):
		m.pass(ctx, w)
	}
	if err := m.cfg.Table.LeaveQueue(ctx, o); err != nil {
		m.cfg.Log.Error("can't take a student out of the queue", "user", o.UserID, "err", err)
		return
	}
	if err := m.readQueue(ctx); err != nil {
		m.cfg.Log.Error("the queue can't be read", "err", err)
	}
	m.notify(o)
}

// pass takes the guests of one who did not come for the next. What has work of
// theirs in it is only switched off.
func (m *Manager) pass(ctx context.Context, w store.Waiting) {
	m.cfg.Log.Info("a student did not come when it was their turn", "user", w.UserID, "course", w.Course, "tutorial", w.Tutorial)
	for _, l := range m.lab(w.Owner()).all() {
		if !l.begin(Stopping, "", Ready) {
			continue
		}
		g := l.held()
		if !m.lastActive(l.owner).IsZero() || !g.made.After(w.Since) {
			m.background(func(ctx context.Context) { m.switchOff(ctx, l, missedWords) })
			continue
		}
		if err := m.takeAway(ctx, g); err != nil {
			l.set(Ready, "Your machine is ready.", g)
			continue
		}
		l.set(None, missedWords, nil)
	}
}

// absent says whether no page of a waiting owner has been open for long.
func (m *Manager) absent(ctx context.Context, w store.Waiting) bool {
	m.queue.mu.Lock()
	seen, here := m.queue.seen[w.Owner()]
	m.queue.mu.Unlock()
	if here && seen.After(w.SeenAt.Add(m.cfg.Grace/4)) {
		// For gateways that come after this one; not at every look.
		if err := m.cfg.Table.SeenWaiting(ctx, w.Owner(), seen); err != nil {
			m.cfg.Log.Warn("can't note who waits in the queue", "err", err)
		}
	}
	// Pages come back some time after their gateway does.
	last := latest(w.SeenAt, &seen, &m.begun)
	return time.Now().After(last.Add(m.cfg.Grace))
}

// serve tries to give an owner their guests; false if there is no room for
// them, so that nobody behind them is served either.
func (m *Manager) serve(ctx context.Context, o store.Owner) bool {
	orders, err := m.arrange(o)
	if err != nil {
		m.leave(ctx, o, explain(err))
		return true
	}
	orders = slices.DeleteFunc(orders, func(w order) bool { return w.Status().State != Queued })
	if len(orders) == 0 {
		m.leave(ctx, o, leftWords)
		return true
	}
	if !m.courseRoom(len(orders), o.Course) {
		return true // its turn comes when somebody of the course leaves
	}
	if !m.hold(len(orders), o.Course) {
		return false
	}
	got, err := m.secure(ctx, orders)
	defer m.hold(-len(orders), "")
	if errors.Is(err, vmbackend.ErrFull) {
		return false
	}
	if err != nil {
		for _, w := range orders {
			m.fail(w.lease, w.held(), err)
		}
		m.leave(ctx, o, explain(err))
		return true
	}
	m.giveOut(ctx, o, orders, got)
	return true
}

// hold keeps room for n guests that are about to be given out; false if there
// is none. A negative n gives it back.
func (m *Manager) hold(n int, course string) bool {
	m.gate.Lock()
	defer m.gate.Unlock()
	if n > 0 && !m.room(n, course) {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.securing += n
	return true
}

// giveOut starts what an owner has waited for.
func (m *Manager) giveOut(ctx context.Context, o store.Owner, orders []order, got []secured) {
	if err := m.cfg.Table.TakeTurn(ctx, o); err != nil {
		m.cfg.Log.Error("can't note a turn", "user", o.UserID, "err", err)
	}
	m.queue.served(o, time.Now())
	var jobs []job
	for i, w := range orders {
		if w.begin(Starting, turnWords, Queued) {
			jobs = append(jobs, job{w.lease, func(ctx context.Context) (*machine, error) { return m.bring(ctx, w, got[i]) }})
		} else if g := got[i].guest; g != nil {
			m.discard(g.id) // the owner has just left
		}
	}
	m.supply(o, jobs)
}

// served notes that an owner was given a guest.
func (q *queue) served(o store.Owner, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pace.note(now)
	q.rows = slices.Clone(q.rows)
	for i := range q.rows {
		if q.rows[i].Owner() == o {
			q.rows[i].TurnAt = &now
		}
	}
}

// secured is a guest that is its owner's already, and may have to be booted.
type secured struct {
	guest *machine
	boots bool
}

// secure takes a place for each guest that an owner waits for, or none. Leases
// that hold a guest need no other one.
func (m *Manager) secure(ctx context.Context, orders []order) ([]secured, error) {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	got := make([]secured, len(orders))
	for i, w := range orders {
		if w.held() != nil {
			continue
		}
		if g := m.claim(ctx, w.plan, "", w.lease); g != nil {
			got[i] = secured{guest: g}
			continue
		}
		g, err := m.reserved(ctx, w.plan, &w.owner)
		if err != nil {
			for _, s := range got {
				if s.guest != nil {
					m.discard(s.guest.id)
				}
			}
			return nil, err
		}
		got[i] = secured{g, true}
	}
	return got, nil
}

// bring makes a secured guest run.
func (m *Manager) bring(ctx context.Context, w order, s secured) (*machine, error) {
	switch {
	case s.guest == nil:
		return m.provide(ctx, w.lease, w.plan)
	case !s.boots:
		return s.guest, nil
	}
	err := m.raise(ctx, s.guest, store.Assigned)
	if errors.Is(err, vmbackend.ErrUnreachable) {
		return m.create(ctx, w.plan, &w.owner)
	}
	if err != nil {
		return nil, err
	}
	return s.guest, nil
}

// tellPlaces tells everybody in the queue whose place or estimate has changed.
func (m *Manager) tellPlaces() {
	q := &m.queue
	q.mu.Lock()
	now := q.standings(time.Now())
	var changed []store.Owner
	for o, s := range now {
		if q.told[o] != s {
			changed = append(changed, o)
		}
	}
	q.told = now
	q.mu.Unlock()
	for _, o := range changed {
		m.notify(o)
	}
}

// recoverQueue lets those wait on who waited for a former gateway.
func (m *Manager) recoverQueue(ctx context.Context) error {
	if err := m.readQueue(ctx); err != nil {
		return err
	}
	for _, w := range m.queue.rows {
		if w.TurnAt != nil {
			continue
		}
		orders, err := m.arrange(w.Owner())
		if err != nil {
			m.cfg.Log.Warn("the tutorial of one in the queue can't be served", "course", w.Course, "tutorial", w.Tutorial, "err", err)
			continue // the usher sorts it out
		}
		for _, o := range orders {
			o.begin(Queued, queuedWords, None, Failed)
		}
	}
	return nil
}
