package checks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// drainGrace is how long output is awaited after a script's end. It
	// matters only where a program in the background holds the streams open.
	drainGrace = 250 * time.Millisecond
	// statusGrace is how long an exit status is awaited after a script's last
	// record, for SSH servers that wait for all streams to close.
	statusGrace = 2 * time.Second
	// endGrace is how long Run waits for a script's processes to be ended.
	endGrace = time.Second
)

// session is one program under way in a guest.
type session struct {
	client  *ssh.Client
	channel ssh.Channel
	done    chan struct{} // closed when the channel is
	drained chan struct{} // closed when both streams have ended
	status  chan struct{} // closed when an exit status or signal came
	final   chan struct{} // closed when the last record came
	flood   chan struct{} // closed when MaxFlood bytes were printed

	mu             sync.Mutex
	stdout, stderr capture
	records        []record
	isFinal, isOut bool
	exitStatus     *int
	exitSignal     string
}

// start opens a session and has it execute p. The script is sent, and its
// output read, in the background.
func start(ctx context.Context, client *ssh.Client, p program) (*session, error) {
	type started struct {
		s   *session
		err error
	}
	result := make(chan started, 1)
	go func() {
		s, err := open(client, p)
		result <- started{s, err}
	}()
	select {
	case r := <-result:
		return r.s, r.err
	case <-ctx.Done():
		go func() { // Whatever starts after all is ended at once.
			if r := <-result; r.s != nil {
				kill(r.s, p.id)
			}
		}()
		return nil, whyEnded(ctx)
	}
}

func openSession(client *ssh.Client) (ssh.Channel, <-chan *ssh.Request, error) {
	channel, requests, err := client.OpenChannel("session", nil)
	var refused *ssh.OpenChannelError
	switch {
	case errors.As(err, &refused):
		return nil, nil, fmt.Errorf("%w: %w", ErrRefused, err)
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %w", ErrConnection, err)
	}
	return channel, requests, nil
}

func open(client *ssh.Client, p program) (*session, error) {
	channel, requests, err := openSession(client)
	if err != nil {
		return nil, err
	}
	s := &session{
		client: client, channel: channel, done: make(chan struct{}), drained: make(chan struct{}),
		status: make(chan struct{}), final: make(chan struct{}), flood: make(chan struct{}),
	}
	go s.serve(requests)
	// RFC 4254 section 6.5: a string with the command, or the subsystem's name.
	request, what, input := "exec", p.command, p.input
	if p.subsystem != "" {
		request, what, input = "subsystem", p.subsystem, p.command+p.input
	}
	ok, err := channel.SendRequest(request, true, ssh.Marshal(struct{ Command string }{what}))
	if err != nil || !ok {
		_ = channel.Close()
		if err == nil && p.subsystem != "" {
			return nil, errNoSubsystem
		}
		if err == nil {
			return nil, fmt.Errorf("%w: the exec request was denied", ErrRefused)
		}
		return nil, fmt.Errorf("%w: %w", ErrConnection, err)
	}
	go s.feed(input)
	go s.read(p.records)
	return s, nil
}

// feed sends the script. A program that ended early makes the rest moot.
func (s *session) feed(input string) {
	_, _ = io.WriteString(s.channel, input)
	_ = s.channel.CloseWrite()
}

// serve waits for what the server says about the program's end. Unlike
// ssh.Session.Wait it tells it at once, not only when all streams are closed.
func (s *session) serve(requests <-chan *ssh.Request) {
	defer close(s.done)
	for r := range requests {
		s.ended(r)
		if r.WantReply {
			_ = r.Reply(false, nil)
		}
	}
}

// ended takes in exit-status and exit-signal (RFC 4254 section 6.10).
func (s *session) ended(r *ssh.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exitStatus != nil || s.exitSignal != "" {
		return
	}
	switch r.Type {
	case "exit-status":
		var m struct{ Status uint32 }
		if ssh.Unmarshal(r.Payload, &m) != nil {
			return
		}
		status := int(m.Status)
		s.exitStatus = &status
	case "exit-signal":
		var m struct {
			Signal     string
			CoreDumped bool
			Error      string
			Lang       string
		}
		if ssh.Unmarshal(r.Payload, &m) != nil || m.Signal == "" {
			return
		}
		s.exitSignal = m.Signal
	default:
		return
	}
	close(s.status)
}

// read takes in both streams until they end.
func (s *session) read(format recordFormat) {
	split := &splitter{format: format, text: s.stderr.write, found: s.record}
	var streams sync.WaitGroup
	streams.Go(func() { s.copy(s.channel, s.stdout.write) })
	streams.Go(func() {
		s.copy(s.channel.Stderr(), split.write)
		s.mu.Lock()
		defer s.mu.Unlock()
		split.close()
	})
	streams.Wait()
	close(s.drained)
}

func (s *session) copy(from io.Reader, to func([]byte)) {
	buffer := make([]byte, 32<<10)
	var total int64
	for {
		n, err := from.Read(buffer)
		total += int64(n)
		s.mu.Lock()
		to(buffer[:n])
		if total > MaxFlood && !s.isOut {
			s.isOut = true
			close(s.flood)
		}
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// record is called with mu held. A script that loops over its helpers in
// subshells has no use for more records than these.
func (s *session) record(r record) {
	if len(s.records) < 100 || r.status != "" {
		s.records = append(s.records, r)
	}
	if r.status != "" && !s.isFinal {
		s.isFinal = true
		close(s.final)
	}
}

// wait returns when the program has ended, or with what came in between.
func (s *session) wait(ctx context.Context) error {
	err := s.awaitEnd(ctx)
	if err == nil {
		await(s.drained, drainGrace)
	}
	return err
}

func (s *session) awaitEnd(ctx context.Context) error {
	select {
	case <-s.status:
		return nil
	case <-s.final:
		select {
		case <-s.done:
		case <-s.status:
		case <-time.After(statusGrace):
		}
		return nil
	case <-s.done:
		await(s.drained, drainGrace)
		select {
		case <-s.status:
			return nil
		case <-s.final:
			return nil
		default:
			return ErrConnection
		}
	case <-s.flood:
		return ErrFlood
	case <-ctx.Done():
		return whyEnded(ctx)
	}
}

// await waits for c, but not for long.
func await(c <-chan struct{}, limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c:
	case <-timer.C:
	}
}

// whyEnded tells the script's time limit from the end of the caller's context.
func whyEnded(ctx context.Context) error {
	if errors.Is(context.Cause(ctx), ErrTimeout) {
		return ErrTimeout
	}
	return fmt.Errorf("interrupted: %w", ctx.Err())
}

// seen is what a session came to, read at one moment: its goroutines may go on.
func (s *session) seen() observation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return observation{
		exitStatus: s.exitStatus, exitSignal: s.exitSignal, records: append([]record(nil), s.records...),
		stdout: s.stdout.output(), stderr: s.stderr.output(), lastLine: s.stderr.lastLine(),
	}
}
