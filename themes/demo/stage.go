package main

import (
	"sync"
	"time"

	"github.com/labmark/labmark/themes"
)

// stage is the whole play: one machine, its terminal, its checks.
type stage struct {
	boot time.Duration

	mu        sync.Mutex
	view      themes.GuestView
	typed     string // all that was entered in the terminal
	listeners map[chan event]bool
	attempts  map[string]themes.AttemptView // by UUID
	counts    map[string]int                // attempts that counted, by check
	best      map[string]float64
	failures  int
	scroll    []byte // the terminal's scrollback
	cut       chan struct{}
	silent    bool // lose attempt events, for tests of asking again
	deaf      bool // refuse new connections
	held      bool // stay in every state until let go
	next      func()
}

// event is one server-sent event.
type event struct {
	kind string
	data any
}

func newStage(boot time.Duration) *stage {
	s := &stage{boot: boot, listeners: map[chan event]bool{}, cut: make(chan struct{})}
	s.forget()
	return s
}

// forget goes back to the beginning. The caller holds mu, or is the only one.
func (s *stage) forget() {
	s.view = themes.GuestView{State: "none", Image: "debian-12", Since: time.Now(), Generation: s.view.Generation + 1}
	s.typed, s.scroll, s.failures = "", nil, 0
	s.attempts = map[string]themes.AttemptView{}
	s.counts = map[string]int{"notes": 2, "copy": 1, "tidy": 3}
	s.best = map[string]float64{"notes": 2, "tidy": 0.5}
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

// enter changes the machine's state and tells. The caller holds mu.
func (s *stage) enter(state, detail string) {
	s.view.State, s.view.Detail, s.view.Since = state, detail, time.Now()
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

// order carries out what a button of the guest bar asks for.
func (s *stage) order(what string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ready := func() {
		s.view.Generation++
		s.typed, s.scroll = "", nil
		s.enter("ready", "")
	}
	switch what {
	case "start":
		if s.view.State == "none" || s.view.State == "failed" {
			s.enter("starting", "Taking a machine from the shelf")
			s.later(ready)
		}
	case "reset":
		s.disconnect()
		s.enter("resetting", "A fresh machine is on its way")
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

// disconnect ends all terminals. The caller holds mu.
func (s *stage) disconnect() {
	close(s.cut)
	s.cut = make(chan struct{})
}
