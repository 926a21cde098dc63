package main

import (
	"slices"
	"sync"
	"time"

	"github.com/labmark/labmark/themes"
)

// stage is the whole play: machines, their terminals, checks and questions.
type stage struct {
	boot   time.Duration
	guests []string // one at least

	mu        sync.Mutex
	view      themes.GuestView
	typed     string // all that was entered in the terminal
	listeners map[chan event]bool
	attempts  map[string]themes.AttemptView // by UUID
	counts    map[string]int                // attempts that counted, by check
	best      map[string]float64
	failures  int
	answers   map[string][]string           // last ones, by question
	last      map[string]themes.AttemptView // by check
	scroll    map[string][]byte             // the terminals' scrollback
	cut       map[string]chan struct{}      // closed to end a guest's terminals
	silent    bool                          // lose attempt events, for tests of asking again
	deaf      bool                          // refuse new connections
	held      bool                          // stay in every state until let go
	broken    bool                          // setups fail
	busy      bool                          // refuse checks that look by themselves
	next      func()
}

// event is one server-sent event.
type event struct {
	kind string
	data any
}

func newStage(boot time.Duration, guests ...string) *stage {
	if len(guests) == 0 {
		guests = []string{"main"}
	}
	s := &stage{boot: boot, guests: guests, listeners: map[chan event]bool{}, cut: map[string]chan struct{}{}}
	s.forget()
	return s
}

// forget goes back to the beginning. The caller holds mu, or is the only one.
func (s *stage) forget() {
	s.view = themes.GuestView{State: "none", Image: "debian-12", Since: time.Now(), Generation: s.view.Generation + 1}
	if len(s.guests) > 1 {
		for _, name := range s.guests {
			s.view.Machines = append(s.view.Machines, themes.MachineView{Name: name, State: "none", Generation: s.view.Generation})
		}
	}
	s.typed, s.failures = "", 0
	s.scroll = map[string][]byte{}
	s.answers, s.last = map[string][]string{}, map[string]themes.AttemptView{}
	s.broken, s.busy = false, false
	s.attempts = map[string]themes.AttemptView{}
	s.counts = map[string]int{"notes": 2, "copy": 1, "tidy": 3}
	s.best = map[string]float64{"notes": 2, "tidy": 0.5}
	if len(s.guests) > 1 {
		s.counts, s.best = map[string]int{}, map[string]float64{}
	}
	s.silent, s.deaf, s.held, s.next = false, false, false, nil
}

func (s *stage) guest() themes.GuestView {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view
}

// tell sends an event to everybody. The caller holds mu.
func (s *stage) tell(kind string, data any) {
	for l := range s.listeners {
		select {
		case l <- event{kind, data}:
		default: // a listener that does not read misses it
		}
	}
}

// enter changes the state of the machine, or of one of several, and tells. The
// caller holds mu.
func (s *stage) enter(state, detail string, only ...string) {
	s.view.State, s.view.Detail, s.view.Since = state, detail, time.Now()
	s.view.Machines = slices.Clone(s.view.Machines) // events still have the old ones
	for i := range s.view.Machines {
		m := &s.view.Machines[i]
		if len(only) > 0 && m.Name != only[0] {
			continue
		}
		m.State = state
		if state == "ready" {
			m.Generation = s.view.Generation
		}
	}
	s.tell("guest", s.view)
}

// later does what follows a state, unless another one has come meanwhile. The
// caller holds mu.
func (s *stage) later(then func()) {
	if s.held {
		s.next = then
		return
	}
	since := s.view.Since
	time.AfterFunc(s.boot, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.view.Since.Equal(since) {
			then()
		}
	})
}

// order carries out what a button of the guest bar asks for, on all machines or
// on one.
func (s *stage) order(what, one string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	which := s.guests
	var only []string
	if one != "" {
		which, only = []string{one}, []string{one}
	}
	ready := func() {
		s.view.Generation++
		s.typed = ""
		for _, name := range which {
			s.scroll[name] = nil
		}
		s.enter("ready", "", only...)
	}
	switch what {
	case "start":
		if s.view.State == "none" || s.view.State == "failed" {
			s.enter("starting", "Taking a machine from the shelf")
			s.later(ready)
		}
	case "reset":
		s.disconnect(which...)
		s.enter("resetting", "A fresh machine is on its way", only...)
		s.later(ready)
	case "stop":
		s.disconnect()
		s.enter("stopping", "")
		s.later(func() { s.enter("none", "") })
	default:
		return false
	}
	return true
}

// disconnect ends the terminals of some guests, of all without a name. The
// caller holds mu.
func (s *stage) disconnect(guests ...string) {
	for name, cut := range s.cut {
		if len(guests) == 0 || slices.Contains(guests, name) {
			close(cut)
			delete(s.cut, name)
		}
	}
}

// cutOf is closed when a guest's terminals are to end. The caller holds mu.
func (s *stage) cutOf(guest string) chan struct{} {
	if s.cut[guest] == nil {
		s.cut[guest] = make(chan struct{})
	}
	return s.cut[guest]
}
