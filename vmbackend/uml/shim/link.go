package shim

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestlink"
	"github.com/labmark/labmark/vmbackend/jail"
)

// keptLink joins the guest's agent, again whenever the link breaks, for as
// long as the kernel runs.
type keptLink struct {
	cancel context.CancelFunc
	done   chan struct{}
	bye    string
}

// rejoinPause lies between attempts to join the agent.
const rejoinPause = 100 * time.Millisecond

func (s *supervisor) keepLink(serial *os.File, process *jail.Process) *keptLink {
	ctx, cancel := context.WithCancel(context.Background())
	k := &keptLink{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(k.done)
		defer s.setLink(nil)
		if !s.firstJoin(ctx, k, serial) {
			return
		}
		told := ""
		for ctx.Err() == nil {
			err := s.join(ctx, k, serial, func() { told = "" })
			if err == nil || ctx.Err() != nil {
				continue
			}
			if err.Error() != told { // else the log would grow for ever
				told = err.Error()
				fmt.Fprintln(os.Stderr, "labmark-shim:", told)
			}
			pause(ctx, rejoinPause)
		}
	}()
	return k
}

// firstJoin waits for the guest to boot. One that does not is ended.
func (s *supervisor) firstJoin(ctx context.Context, k *keptLink, serial *os.File) bool {
	late := time.AfterFunc(s.cfg.StartTimeout, func() {
		s.stop(fmt.Errorf("the guest did not answer within %s of its start", s.cfg.StartTimeout))
	})
	defer late.Stop()
	err := s.join(ctx, k, serial, func() {
		if late.Stop() {
			s.enter(Event{State: vmbackend.Running})
		}
	})
	if err != nil && ctx.Err() == nil {
		s.stop(err)
		return false
	}
	return true
}

// join joins the agent and keeps the link until it breaks.
func (s *supervisor) join(ctx context.Context, k *keptLink, serial *os.File, joined func()) error {
	line, err := net.FileConn(serial) // a copy: guestlink closes what it is given
	if err != nil {
		return fmt.Errorf("the serial line: %w", err)
	}
	p := s.cfg.Personal
	p.Time = time.Now()
	p.Entropy = make([]byte, 64)
	_, _ = rand.Read(p.Entropy) // never fails, see crypto/rand
	var options guestlink.Options
	if s.cfg.Mirror != "" {
		options.Accept = guestlink.ToMirror(s.cfg.Mirror, s.cfg.Guest)
	}
	link, err := guestlink.Connect(ctx, line, p, options)
	if err != nil {
		return err
	}
	s.setLink(link)
	joined()
	select {
	case <-link.Done():
	case <-ctx.Done():
		// The kernel has gone; what it said last may still be in the line.
		select {
		case <-link.Done():
		case <-time.After(time.Second):
		}
	}
	s.setLink(nil)
	k.bye = link.Bye()
	_ = link.Close()
	return nil
}

// end waits for the link's end after the kernel's, and returns the guest's
// last words: "poweroff", "reboot" or nothing.
func (k *keptLink) end() string {
	k.cancel()
	<-k.done
	return k.bye
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// open gets a new stream to the guest's SSH server, waiting for a broken link
// to be joined again until ctx ends.
func (s *supervisor) open(ctx context.Context) (net.Conn, error) {
	for {
		now, link, changed := s.look()
		switch {
		case now.State == vmbackend.Stopped:
			return nil, errors.New("the guest has stopped")
		case now.State == vmbackend.Suspended:
			return nil, fmt.Errorf("it is suspended: resume it: %w", vmbackend.ErrWrongState)
		case link != nil:
			conn, err := link.Open(ctx)
			if err == nil || ctx.Err() != nil {
				return conn, err
			}
			select { // a link that cannot open streams is about to end
			case <-link.Done():
			case <-ctx.Done():
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("the agent in the guest does not answer: %w", ctx.Err())
		}
	}
}
