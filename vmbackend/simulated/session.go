package simulated

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/labmark/labmark/vmbackend/sshserver"
)

// sessions does what SSH sessions of one run of a guest ask for.
type sessions struct {
	guest *guest
	run   *run
}

// maxInput is how much standard input a command may be sent, in bytes.
const maxInput = 16 << 20

// Exit statuses after sh(1).
const (
	statusRefused = 126
	statusUnknown = 127
)

// Session implements sshserver.Handler.
func (h *sessions) Session(s *sshserver.Session) sshserver.Exit {
	call := Exec
	if s.Kind == sshserver.Shell {
		call = Shell
	}
	h.run.execs.Add(1)
	f := h.guest.backend.options.Faults.take(call, h.guest.record.Spec.ID)
	if err := f.befall(s.Context(), func() { h.guest.end("died") }); err != nil {
		fmt.Fprintf(s.Stderr(), "simulated: %v\n", err)
		return sshserver.Exit{Status: statusRefused}
	}
	switch machine := h.guest.machine; {
	case f.Endless:
		return endless(s)
	case machine.Handler != nil:
		return machine.Handler.Session(s)
	case s.Kind == sshserver.Shell:
		return h.terminal(s)
	case s.Kind == sshserver.Exec && machine.Exec != nil:
		return answer(s, machine.Exec)
	case s.Kind == sshserver.Exec:
		return h.execute(s.Context(), s.User, s.Command, s, s, s.Stderr())
	}
	return sshserver.Exit{Status: statusUnknown}
}

// endless prints until nobody listens any more.
func endless(s *sshserver.Session) sshserver.Exit {
	text := bytes.Repeat([]byte("All work and no play makes a dull check.\n"), 100)
	for s.Context().Err() == nil {
		if _, err := s.Write(text); err != nil {
			break
		}
	}
	return sshserver.Exit{Signal: "PIPE"}
}

// answer gives a whole command to a scripted machine.
func answer(s *sshserver.Session, exec func(command, stdin string) (string, string, int)) sshserver.Exit {
	stdin, err := io.ReadAll(io.LimitReader(s, maxInput))
	if err != nil {
		return sshserver.Exit{Signal: "HUP"}
	}
	stdout, stderr, status := exec(s.Command, string(stdin))
	_, _ = io.WriteString(s.Stderr(), stderr)
	_, _ = io.WriteString(s, stdout)
	return sshserver.Exit{Status: uint32(status)}
}

// execute runs a command line on the default machine.
func (h *sessions) execute(ctx context.Context, user, line string, in io.Reader, out, errout io.Writer) sshserver.Exit {
	sh := &shell{ctx: ctx, user: user, guest: h.guest, disk: &Disk{h.guest}, in: in, out: out, errout: errout}
	return sshserver.Exit{Status: uint32(sh.run(line))}
}
