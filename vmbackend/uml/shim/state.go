package shim

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestlink"
)

// Event is one line of a watch, and the content of EndFile.
type Event struct {
	State vmbackend.State `json:"state"`
	// Since is when State was entered.
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"`
	// Pid is the guest's kernel on the host, Shim its supervisor.
	Pid  int `json:"pid,omitempty"`
	Shim int `json:"shim,omitempty"`
}

// supervisor is the state of one shim.
type supervisor struct {
	cfg  Config
	lock *os.File
	// life ends when the guest shall; its cause says why.
	life context.Context
	stop context.CancelCauseFunc

	mu      sync.Mutex
	now     Event
	changed chan struct{} // closed and replaced when now or link changes
	link    *guestlink.Host
	clients int // that wait to hear of the guest's end

	// frost is held while the guest is frozen or thawed.
	frost sync.Mutex

	// cables holds how each of the guest's networks is reached now; ports are
	// those of the present boot.
	cables sync.Mutex
	links  map[string]vmbackend.Link
	ports  map[string]*port
}

func newSupervisor(cfg Config) *supervisor {
	s := &supervisor{cfg: cfg, changed: make(chan struct{}), links: map[string]vmbackend.Link{}, ports: map[string]*port{}}
	for _, c := range cfg.Cards {
		s.links[c.Network] = c.Link
	}
	s.life, s.stop = context.WithCancelCause(context.Background())
	s.now = Event{State: vmbackend.Starting, Since: time.Now(), Shim: os.Getpid()}
	return s
}

// enter records what the guest does from now on.
func (s *supervisor) enter(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Since, e.Pid, e.Shim = time.Now(), s.now.Pid, s.now.Shim
	s.now = e
	s.announce()
}

func (s *supervisor) setPid(pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Pid = pid
}

// setLink changes the link that Dial uses; nil while there is none.
func (s *supervisor) setLink(link *guestlink.Host) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link = link
	s.announce()
}

// announce wakes all who wait for a change. The caller holds mu.
func (s *supervisor) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// look returns the state, the link and a channel that a change closes.
func (s *supervisor) look() (Event, *guestlink.Host, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now, s.link, s.changed
}

// finish tells everybody that the guest has ended, and why. The file is for
// those who come later; it is written first, so that nobody sees the shim gone
// and the file missing.
func (s *supervisor) finish(reason string) {
	end := Event{State: vmbackend.Stopped, Reason: reason}
	record, err := json.Marshal(Event{State: end.State, Since: time.Now(), Reason: reason})
	if err == nil {
		err = os.WriteFile(EndFile, record, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "labmark-shim: record the guest's end:", err)
	}
	_ = os.Remove(SocketFile)
	s.lock.Close() // whoever hears of the end may start the guest again
	s.setPid(0)
	s.enter(end)
	patience := time.After(time.Second) // with a client that does not read
	for {
		s.mu.Lock()
		left, changed := s.clients, s.changed
		s.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-changed:
		case <-patience:
			return
		}
	}
}

// addClient counts those who are to hear of the end before the shim goes.
func (s *supervisor) addClient(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients += n
	if n < 0 {
		s.announce()
	}
}
