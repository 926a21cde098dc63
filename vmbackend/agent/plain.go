package agent

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/labmark/labmark/vmbackend/sshserver"
)

// drainLimit is how much output may still lie in a pipe when the process that
// wrote it has ended: a pipe's capacity, see pipe(7).
const drainLimit = 64 << 10

// plainSession runs a command, or a shell that reads commands, on pipes.
func (a *Agent) plainSession(s *sshserver.Session, acct account) (sshserver.Exit, error) {
	return a.onPipes(s, s, acct, func(files [3]*os.File) (*process, error) {
		sys := &syscall.SysProcAttr{}
		if ofPerson(s) {
			a.student.join(sys)
		}
		return a.startShell(acct, s.Command, s.Kind == sshserver.Exec, allowed(s), files, sys)
	})
}

// onPipes runs what start starts and brings its streams to the client.
func (a *Agent) onPipes(s *sshserver.Session, in io.Reader, acct account, start func([3]*os.File) (*process, error)) (sshserver.Exit, error) {
	pipes, err := newPipes(acct)
	if err != nil {
		return sshserver.Exit{}, err
	}
	defer pipes.close()
	p, err := start(pipes.theirs)
	pipes.closeTheirs()
	if err != nil {
		return sshserver.Exit{}, err
	}
	go pipes.feed(in)
	var output sync.WaitGroup
	output.Go(func() { copyOutput(s, pipes.ours[1]) })
	output.Go(func() { copyOutput(s.Stderr(), pipes.ours[2]) })
	exit := a.watch(s, p)
	pipes.ended()
	output.Wait()
	return exit, nil
}

// watch passes signals on until p has ended. When the client is gone it ends
// the whole session; a person's is told of it, and may go on.
func (a *Agent) watch(s *sshserver.Session, p *process) sshserver.Exit {
	gone := s.Context().Done()
	for {
		select {
		case <-p.done:
			return exitOf(p.status)
		case name := <-s.Signals():
			if sig, ok := signals[name]; ok {
				a.procs.signalSession(p.pid, sig)
			}
		case <-gone:
			if ofPerson(s) {
				a.procs.signalSession(p.pid, syscall.SIGHUP)
				return sshserver.Exit{Signal: "HUP"}
			}
			a.procs.signalSession(p.pid, syscall.SIGKILL)
			gone = nil
		}
	}
}

// pipes are the three of a process: standard input, output and error.
type pipes struct{ ours, theirs [3]*os.File }

func newPipes(acct account) (*pipes, error) {
	p := &pipes{}
	for i := range p.ours {
		r, w, err := os.Pipe()
		if err != nil {
			p.close()
			return nil, err
		}
		p.theirs[i], p.ours[i] = w, r
		if i == 0 {
			p.theirs[i], p.ours[i] = r, w
		}
		// Who opens /dev/stdin by name opens the pipe anew, as its own user.
		_ = p.theirs[i].Chown(int(acct.uid), int(acct.gid))
	}
	return p, nil
}

func (p *pipes) closeTheirs() {
	for _, f := range p.theirs {
		if f != nil {
			_ = f.Close()
		}
	}
}

func (p *pipes) close() {
	p.closeTheirs()
	for _, f := range p.ours {
		if f != nil {
			_ = f.Close()
		}
	}
}

func (p *pipes) feed(r io.Reader) {
	_, _ = io.Copy(struct{ io.Writer }{p.ours[0]}, r)
	_ = p.ours[0].Close()
}

// ended says that the process is gone, so that no more is waited for than
// what it has written: what it left in the background may hold the pipes for
// ever.
func (p *pipes) ended() {
	_ = p.ours[0].Close()
	_ = p.ours[1].SetReadDeadline(time.Now())
	_ = p.ours[2].SetReadDeadline(time.Now())
}

// copyOutput copies until the end of r, or until r's deadline and what lay in
// the pipe by then. Nobody reads faster than the client does.
func copyOutput(w io.Writer, r *os.File) {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil {
				return
			}
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			drain(w, r, buf)
			return
		}
		if err != nil {
			return
		}
	}
}

func drain(w io.Writer, r *os.File, buf []byte) {
	_ = r.SetReadDeadline(time.Time{})
	raw, err := r.SyscallConn()
	if err != nil {
		return
	}
	for total := 0; total < drainLimit; {
		n := 0
		// The function says "done" always: it never waits for more.
		err = raw.Read(func(fd uintptr) bool {
			n, _ = syscall.Read(int(fd), buf)
			return true
		})
		if err != nil || n <= 0 {
			return
		}
		total += n
		if _, err := w.Write(buf[:n]); err != nil {
			return
		}
	}
}
