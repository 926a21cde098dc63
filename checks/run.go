package checks

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"
)

// Run runs a script in the guest that client is logged in to as root, and
// returns what it came to. The client stays open; any number of runs may share
// it at a time, as far as the guest's SSH server allows.
//
// The script runs in one process of its own, with its body on standard input
// (where it finds nothing more), a clean environment, the script's Vars, and
// the helpers pass, fail, partial and unsure. What it started in the
// background lives on after its end.
//
// Run returns no later than about two seconds after the script's time limit or
// the end of ctx, whatever the guest does; then everything that the script has
// started is killed. The first Run with Tools in a guest brings the toolbox,
// for which it may take a minute more.
func Run(ctx context.Context, client *ssh.Client, s Script) Result {
	r := Result{Evidence: Evidence{Revision: s.Revision(), Started: time.Now()}}
	if len(s.Facts) > 0 {
		findings, err := look(ctx, client, s)
		r.judgeFacts(s, findings, err)
	} else {
		seen, err := run(ctx, client, s)
		r.judge(s, seen, err)
	}
	r.Evidence.Ended = time.Now()
	return r
}

// run runs a script, with its toolbox where there is one.
func run(ctx context.Context, client *ssh.Client, s Script) (observation, error) {
	for deliveries := 0; ; {
		p, err := newProgram(s, rand.Text(), rand.Text())
		if err != nil {
			return observation{}, err
		}
		seen, err := attempt(ctx, client, s, p)
		switch {
		case p.subsystem == "":
			return seen, err
		case errors.Is(err, errNoSubsystem):
			s.GuestTools = true
		case errors.Is(err, errWantsToolbox) && deliveries < 2:
			deliveries++
			switch err := s.bring(ctx, client, err); {
			case errors.Is(err, errNoSubsystem):
				s.GuestTools = true
			case err != nil:
				return observation{}, err
			}
		case errors.Is(err, errWantsToolbox):
			return seen, fmt.Errorf("%w: %w", ErrNoStart, err)
		default:
			return seen, err
		}
	}
}

// attempt runs a program once.
func attempt(ctx context.Context, client *ssh.Client, s Script, p program) (observation, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout(), ErrTimeout)
	defer cancel()
	running, err := start(ctx, client, p)
	if err != nil {
		if errors.Is(err, ErrTimeout) {
			err = fmt.Errorf("%w: the guest did not answer", ErrConnection)
		}
		return observation{}, err
	}
	err = running.wait(ctx)
	switch {
	case err == nil:
		closeSoon(running)
	case !errors.Is(err, ErrConnection):
		kill(running, p.id)
	}
	seen := running.seen()
	if err == nil && p.subsystem != "" && len(seen.records) == 0 {
		err = refusal(seen.stderr.Text)
	}
	return seen, err
}

// closeSoon frees the channel without waiting for a connection that hangs.
func closeSoon(s *session) {
	select {
	case <-s.done:
	default:
		go func() { _ = s.channel.Close() }()
	}
}

// killScript ends whatever carries a run's mark in its environment, however
// it left the process group; twice over, for what forks meanwhile.
const killScript = `for i in 1 2 3 4 5;do p=;for f in $(/usr/bin/grep -lszxF LABMARK_RUN=%s /proc/[0-9]*/environ);do f=${f%%/environ};p="$p ${f#/proc/}";done;` +
	`[ "$p" ]||break;kill -9 $p;done 2>/dev/null`

// kill ends a script's process group by an SSH signal, and then by a second
// command what is not in it or was started by a server that knows no signals.
func kill(s *session, id string) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = s.channel.SendRequest("signal", false, ssh.Marshal(struct{ Signal string }{"KILL"}))
		defer func() { _ = s.channel.Close() }()
		other, err := s.client.NewSession()
		if err != nil {
			return
		}
		defer func() { _ = other.Close() }()
		_ = other.Run(fmt.Sprintf(killScript, id))
	}()
	await(gone, endGrace)
}

func (s Script) timeout() time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return DefaultTimeout
}

// Revision returns a digest of the Script without its Vars: "sha256:" and 64
// hex digits. It is the same for all students, and changes with whatever
// changes what the check means.
func (s Script) Revision() string {
	s.Vars = nil
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // A struct of strings and numbers can be marshalled.
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}
