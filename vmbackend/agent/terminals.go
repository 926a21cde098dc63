package agent

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"syscall"

	"github.com/labmark/labmark/vmbackend/sshserver"
)

// terminalVariable names a kept terminal, see the package comment.
const terminalVariable = "LABMARK_TERMINAL"

// keptRequest tells a client whether its terminal was there already.
const keptRequest = "kept-terminal@labmark"

// maxKept bounds kept terminals: each may hold scrollback bytes.
const maxKept = 16

var terminalName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// terminals are the kept ones, by user and name.
type terminals struct {
	mu   sync.Mutex
	kept map[string]*terminal
}

// terminalSession attaches to a kept terminal, or runs a new one that ends
// with the session.
func (a *Agent) terminalSession(s *sshserver.Session, acct account) (sshserver.Exit, error) {
	name := s.Getenv(terminalVariable)
	if name == "" || s.Kind == sshserver.Exec {
		return a.passingTerminal(s, acct)
	}
	if !terminalName.MatchString(name) {
		return sshserver.Exit{}, fmt.Errorf("%s must be 1 to 64 letters, digits, dots, dashes or underscores", terminalVariable)
	}
	t, kept, err := a.keptTerminal(s, acct, name)
	if err != nil {
		return sshserver.Exit{}, err
	}
	_ = s.Tell(keptRequest, []byte{boolByte(kept)})
	if !a.attach(t, s, kept) {
		return sshserver.Exit{Signal: "HUP"}, nil // nobody is there to hear it
	}
	<-t.done
	return exitOf(t.proc.status), nil
}

func (a *Agent) keptTerminal(s *sshserver.Session, acct account, name string) (t *terminal, kept bool, err error) {
	key := acct.name + "/" + name
	a.terminals.mu.Lock()
	defer a.terminals.mu.Unlock()
	if t := a.terminals.kept[key]; t != nil && !t.finished() {
		return t, true, nil
	}
	if len(a.terminals.kept) >= maxKept {
		return nil, false, errors.New("too many terminals are open in this guest; close one by typing exit")
	}
	if t, err = a.newTerminal(s, acct); err != nil {
		return nil, false, err
	}
	a.terminals.kept[key] = t
	go func() {
		<-t.done
		a.terminals.mu.Lock()
		defer a.terminals.mu.Unlock()
		if a.terminals.kept[key] == t {
			delete(a.terminals.kept, key)
		}
	}()
	return t, false, nil
}

// passingTerminal runs a terminal that nobody can come back to.
func (a *Agent) passingTerminal(s *sshserver.Session, acct account) (sshserver.Exit, error) {
	t, err := a.newTerminal(s, acct)
	if err != nil {
		return sshserver.Exit{}, err
	}
	if !a.attach(t, s, false) {
		a.procs.signalSession(t.proc.pid, syscall.SIGKILL)
	}
	<-t.done
	return exitOf(t.proc.status), nil
}

// endTerminals ends what runs in kept terminals: they are those of the guest
// that this one is a copy of.
func (a *Agent) endTerminals() {
	a.terminals.mu.Lock()
	defer a.terminals.mu.Unlock()
	for key, t := range a.terminals.kept {
		a.procs.signalSession(t.proc.pid, syscall.SIGKILL)
		delete(a.terminals.kept, key)
	}
}

// finished says whether the shell has ended. Its last output may be on its way.
func (t *terminal) finished() bool {
	select {
	case <-t.proc.done:
		return true
	default:
		return false
	}
}

// followRequests passes on a session's resizes and signals.
func (a *Agent) followRequests(ctx context.Context, t *terminal, s *sshserver.Session) {
	for {
		select {
		case size := <-s.Resizes():
			t.resize(size)
		case name := <-s.Signals():
			if sig, ok := signals[name]; ok && !t.finished() {
				a.procs.signalSession(t.proc.pid, sig)
			}
		case <-t.done:
			return
		case <-ctx.Done():
			return
		}
	}
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
