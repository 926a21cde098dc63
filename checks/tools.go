package checks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Tools are what checks bring along, so that they need not trust what a
// student has made of the guest's own programs. Each is given for a processor
// in Go's word, as "amd64".
type Tools struct {
	// Toolbox is a gzipped tar with a shell and what scripts call, for guests
	// that have Labmark's agent.
	Toolbox func(arch string) ([]byte, error)
	// Agent is the agent's executable, which looks at facts on machines that
	// don't have it running.
	Agent func(arch string) ([]byte, error)
}

// Names that the agent in a guest knows, see package agent.
const (
	checkSubsystem   = "labmark-check"
	factsSubsystem   = "labmark-facts"
	toolboxSubsystem = "labmark-toolbox"
)

// brings says whether a script is to run with the toolbox.
func (s Script) brings() bool {
	return s.Tools != nil && s.Tools.Toolbox != nil && !s.GuestTools && s.Lang != "python"
}

// order is the first line of what checkSubsystem reads.
type order struct {
	User string   `json:"user,omitempty"`
	Argv []string `json:"argv"`
	Env  []string `json:"env,omitempty"`
}

// withTools makes a program that the agent runs from its toolbox. No shell of
// the guest stands between, and the agent itself changes the user.
func (p *program) withTools(s Script, user string) error {
	o := order{User: s.User, Env: []string{"LABMARK_RUN=" + p.id}}
	if s.Lang == "sh" {
		p.input = shellPrelude(preludeSh, s, p.records, user, toolboxPath, `"$HOME"`, p.id) + "eval " + ShellQuote(s.Body) + "\n"
		o.Argv = []string{"sh", "-c", `s=$(cat);eval "$s"`}
	} else {
		prelude := shellPrelude(preludeBash, s, p.records, user, toolboxPath, `"$HOME"`, p.id)
		p.input = prelude + s.Body
		o.Argv = []string{"bash", "--noprofile", "--norc", "-c", loadBash(prelude, s.Body)}
	}
	line, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrScript, err)
	}
	p.subsystem, p.command = checkSubsystem, string(line)+"\n"
	return nil
}

// Reasons to do without the toolbox, or to bring it first.
var (
	errNoSubsystem  = errors.New("the machine has no agent of Labmark's that knows this")
	errWantsToolbox = errors.New("the guest wants a toolbox for ")
)

// deliver brings the toolbox into the guest. It is errNoSubsystem where there
// is none for its processor.
func (t *Tools) deliver(ctx context.Context, client *ssh.Client, arch string) error {
	archive, err := t.Toolbox(arch)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoSubsystem, err)
	}
	_, err = ask(ctx, client, toolboxSubsystem, archive)
	return err
}

// maxReply bounds the answer of a subsystem, in bytes.
const maxReply = 8 << 20

// ask opens a subsystem, sends it a question and returns its answer.
func ask(ctx context.Context, client *ssh.Client, subsystem string, question []byte) ([]byte, error) {
	return converse(ctx, client, "subsystem", subsystem, question)
}

// converse begins a session by a request ("exec" or "subsystem"), sends it all
// of its input and returns its output.
func converse(ctx context.Context, client *ssh.Client, request, what string, input []byte) ([]byte, error) {
	type answer struct {
		text []byte
		err  error
	}
	result := make(chan answer, 1)
	opened := make(chan ssh.Channel, 1)
	go func() {
		text, err := conversation(client, request, what, input, opened)
		result <- answer{text, err}
	}()
	select {
	case a := <-result:
		return a.text, a.err
	case <-ctx.Done():
		go func() { // whatever is under way ends with its channel
			select {
			case channel := <-opened:
				_ = channel.Close()
			case <-result:
			}
		}()
		return nil, whyEnded(ctx)
	}
}

func conversation(client *ssh.Client, request, what string, input []byte, opened chan<- ssh.Channel) ([]byte, error) {
	channel, requests, err := openSession(client)
	if err != nil {
		return nil, err
	}
	defer func() { _ = channel.Close() }()
	opened <- channel
	s := &session{status: make(chan struct{}), done: make(chan struct{})}
	go s.serve(requests)
	ok, err := channel.SendRequest(request, true, ssh.Marshal(struct{ Text string }{what}))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrConnection, err)
	case !ok && request == "subsystem":
		return nil, errNoSubsystem
	case !ok:
		return nil, fmt.Errorf("%w: the exec request was denied", ErrRefused)
	}
	go func() {
		_, _ = channel.Write(input) // who needs less has ended
		_ = channel.CloseWrite()
	}()
	var stdout, stderr limited
	stdout.left, stderr.left = maxReply, MaxOutput
	var streams sync.WaitGroup
	streams.Go(func() { _, _ = io.Copy(&stdout, channel) })
	streams.Go(func() { _, _ = io.Copy(&stderr, channel.Stderr()) })
	streams.Wait()
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.exitSignal != "":
		return nil, fmt.Errorf("%w by signal %s", ErrKilled, s.exitSignal)
	case s.exitStatus == nil:
		return nil, ErrConnection
	case *s.exitStatus != 0:
		if err := refusal(stderr.String()); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: exit status %d: %s", ErrNoStart, *s.exitStatus, clean(stderr.String()))
	}
	return stdout.Bytes(), nil
}

// What the agent says where it refuses, before the name of its processor or of
// the subsystem.
const (
	noToolboxWords   = "there is no toolbox yet for "
	noSubsystemWords = "there is no subsystem "
)

// refusal finds out whether a program that told nothing was refused by the
// agent: it wants its toolbox, or is older than this program.
func refusal(stderr string) error {
	_, arch, found := strings.Cut(stderr, noToolboxWords)
	if found {
		arch = strings.TrimRight(strings.Fields(arch + " ?")[0], ":")
		return fmt.Errorf("%w%s", errWantsToolbox, arch)
	}
	if strings.Contains(stderr, noSubsystemWords) {
		return errNoSubsystem
	}
	return nil
}

// bringTime is how long the toolbox may take into a guest.
const bringTime = time.Minute

// bring answers a refusal for want of the toolbox.
func (s Script) bring(ctx context.Context, client *ssh.Client, refused error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, bringTime, ErrConnection)
	defer cancel()
	return s.Tools.deliver(ctx, client, strings.TrimPrefix(refused.Error(), errWantsToolbox.Error()))
}

// limited keeps the start of what is written.
type limited struct {
	bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	_, _ = l.Buffer.Write(p[:n])
	return len(p), nil
}
