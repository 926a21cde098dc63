package shim

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// short gives use a name of the guest's socket that fits into a socket's
// address, which holds 107 bytes, however long the folder's name is.
func short(folder string, use func(path string) error) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	return use(fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), SocketFile))
}

// connect opens a connection to the shim in folder, if one runs, and sends a
// request.
func connect(ctx context.Context, folder string, r request) (conn net.Conn, err error) {
	err = short(folder, func(path string) error {
		var dialer net.Dialer
		conn, err = dialer.DialContext(ctx, "unix", path)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := writeLine(conn, r); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// ask sends a request and waits for the line that answers it.
func ask(ctx context.Context, folder string, r request) (net.Conn, error) {
	conn, err := connect(ctx, folder, r)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	line, err := readLine(conn)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	var a answerLine
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
		if a.WrongState {
			err = fmt.Errorf("%s (%w)", strings.TrimSuffix(a.Error, ": "+vmbackend.ErrWrongState.Error()), vmbackend.ErrWrongState)
		}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// Dial opens a stream to the SSH server in the guest whose folder it is.
func Dial(ctx context.Context, folder string) (net.Conn, error) {
	patience := time.Minute
	if deadline, ok := ctx.Deadline(); ok {
		patience = time.Until(deadline)
	}
	return ask(ctx, folder, request{Op: opDial, Patience: patience})
}

// Stop ends the guest and returns when it has ended.
func Stop(ctx context.Context, folder string) error {
	return tell(ctx, folder, opStop)
}

// SetLink changes the link of the running guest to one of its networks.
func SetLink(ctx context.Context, folder, network string, l vmbackend.Link) error {
	conn, err := ask(ctx, folder, request{Op: opLink, Network: network, Link: &l})
	if err != nil {
		return err
	}
	return conn.Close()
}

// Suspend freezes the running guest and returns when nothing in it runs any
// more; Resume thaws it. Either does nothing where that has been done.
// vmbackend.ErrWrongState unless the guest runs or is suspended.
func Suspend(ctx context.Context, folder string) error { return tell(ctx, folder, opSuspend) }

// Resume is told at Suspend.
func Resume(ctx context.Context, folder string) error { return tell(ctx, folder, opResume) }

func tell(ctx context.Context, folder, op string) error {
	conn, err := ask(ctx, folder, request{Op: op})
	if err != nil {
		return err
	}
	return conn.Close()
}

// Watch is a connection over which a shim reports what its guest does.
type Watch struct {
	conn  net.Conn
	lines *bufio.Scanner
}

// NewWatch begins to watch the guest in folder. It fails at once, with
// os.ErrNotExist or ECONNREFUSED, when no shim runs there.
func NewWatch(ctx context.Context, folder string) (*Watch, error) {
	conn, err := connect(ctx, folder, request{Op: opWatch})
	if err != nil {
		return nil, err
	}
	return &Watch{conn: conn, lines: bufio.NewScanner(conn)}, nil
}

// Next waits for the next event; the first is the present state. It fails when
// the shim is gone or the watch closed.
func (w *Watch) Next() (Event, error) {
	var e Event
	if !w.lines.Scan() {
		return e, errors.New("the guest's supervisor is gone")
	}
	return e, json.Unmarshal(w.lines.Bytes(), &e)
}

// Close ends the watch; a blocked Next returns.
func (w *Watch) Close() error { return w.conn.Close() }
