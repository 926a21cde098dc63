package shim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// Operations that a client names in the first line of its connection.
const (
	opWatch = "watch" // answered by an Event a line, the present one first
	opDial  = "dial"  // answered by a line; then the connection is the stream
	opStop  = "stop"  // answered by a line when the guest has stopped
	opLink  = "link"  // answered by a line when the link has its new shape
	// Answered by a line when the guest stands still, or goes on.
	opSuspend = "suspend"
	opResume  = "resume"
)

// request and answer are one line of JSON each.
type request struct {
	Op string `json:"op"`
	// Patience bounds a dial.
	Patience time.Duration `json:"patience,omitempty"`
	// Network and Link are what a card's link becomes.
	Network string          `json:"network,omitempty"`
	Link    *vmbackend.Link `json:"link,omitempty"`
}

type answerLine struct {
	Error string `json:"error,omitempty"`
	// WrongState says that the error is a vmbackend.ErrWrongState.
	WrongState bool `json:"wrong_state,omitempty"`
}

func answerTo(err error) answerLine {
	if err == nil {
		return answerLine{}
	}
	return answerLine{Error: err.Error(), WrongState: errors.Is(err, vmbackend.ErrWrongState)}
}

// maxLine bounds a line, in bytes.
const maxLine = 4096

func (s *supervisor) serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many open files: others will be closed
			time.Sleep(50 * time.Millisecond)
			continue
		}
		go s.handle(conn)
	}
}

func (s *supervisor) handle(conn net.Conn) {
	defer conn.Close()
	line, err := readLine(conn)
	if err != nil {
		return
	}
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		_ = writeLine(conn, answerLine{Error: "unreadable request: " + err.Error()})
		return
	}
	switch r.Op {
	case opWatch:
		s.watch(conn)
	case opDial:
		s.dial(conn, r.Patience)
	case opStop:
		s.addClient(1)
		defer s.addClient(-1)
		s.stop(errStopped)
		s.awaitEnd()
		_ = writeLine(conn, answerLine{})
	case opLink:
		_ = writeLine(conn, s.relink(r))
	case opSuspend:
		_ = writeLine(conn, answerTo(s.suspend()))
	case opResume:
		_ = writeLine(conn, answerTo(s.resume()))
	default:
		_ = writeLine(conn, answerLine{Error: "unknown operation " + r.Op})
	}
}

func (s *supervisor) watch(conn net.Conn) {
	s.addClient(1)
	defer s.addClient(-1)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = conn.Read(make([]byte, 1)) // a watcher says nothing; it goes away
	}()
	var last Event
	for {
		now, _, changed := s.look()
		if now != last {
			if err := writeLine(conn, now); err != nil {
				return
			}
			last = now
		}
		if now.State == vmbackend.Stopped {
			return
		}
		select {
		case <-changed:
		case <-gone:
			return
		}
	}
}

func (s *supervisor) awaitEnd() {
	for {
		now, _, changed := s.look()
		if now.State == vmbackend.Stopped {
			return
		}
		<-changed
	}
}

func (s *supervisor) dial(conn net.Conn, patience time.Duration) {
	ctx, cancel := context.WithTimeout(s.life, patience)
	stream, err := s.open(ctx)
	cancel()
	if err != nil {
		_ = writeLine(conn, answerTo(err))
		return
	}
	defer stream.Close()
	if err := writeLine(conn, answerLine{}); err != nil {
		return
	}
	// Either side's end is the end of both: SSH knows no half-closed streams.
	go func() {
		defer stream.Close()
		_, _ = io.Copy(stream, conn)
	}()
	_, _ = io.Copy(conn, stream)
}

func writeLine(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// readLine reads one line, byte by byte so as to take nothing of what follows.
func readLine(r io.Reader) ([]byte, error) {
	var line bytes.Buffer
	b := make([]byte, 1)
	for line.Len() < maxLine {
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		if b[0] == '\n' {
			return line.Bytes(), nil
		}
		line.WriteByte(b[0])
	}
	return nil, errors.New("the line is too long")
}
