package agent

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// newMirror is a mirror on a free port, whose streams lead to a host that
// says "host" and then waits.
func newMirror(t *testing.T, apt bool) *mirror {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	m := &mirror{address: free.Addr().String(), root: t.TempDir()}
	m.open = func(context.Context) (net.Conn, error) {
		guest, host := net.Pipe()
		go func() {
			defer host.Close()
			_, _ = host.Write([]byte("host"))
			_, _ = io.Copy(io.Discard, host)
		}()
		return guest, nil
	}
	if apt {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(m.root, mirrorFile)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { m.set(false) })
	return m
}

func (m *mirror) dial(t *testing.T) (net.Conn, error) {
	conn, err := net.Dial("tcp", m.address)
	if err == nil {
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		t.Cleanup(func() { conn.Close() })
	}
	return conn, err
}

func TestMirrorIsThereOnlyWhileTheHostSaysSo(t *testing.T) {
	m := newMirror(t, true)
	file := filepath.Join(m.root, mirrorFile)
	m.set(false)
	if _, err := m.dial(t); err == nil {
		t.Fatal("a guest whose course opens nothing has a listener")
	}
	for range 2 { // closed, it can be opened again
		m.set(true)
		m.set(true) // the host only joined again
		conn, err := m.dial(t)
		if err != nil {
			t.Fatal(err)
		}
		said := make([]byte, 4)
		if _, err := io.ReadFull(conn, said); err != nil || string(said) != "host" {
			t.Errorf("through the mirror came %q, %v", said, err)
		}
		if text, err := os.ReadFile(file); err != nil || !bytes.Contains(text, []byte(mirrorAddress)) {
			t.Errorf("apt reads %q, %v", text, err)
		}
		m.set(false)
		if _, err := conn.Read(said); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("an open connection lives on: %v", err)
		}
		if _, err := m.dial(t); err == nil {
			t.Error("the listener is still there")
		}
		if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("apt still asks the mirror: %v", err)
		}
	}
}

func TestMirrorWithoutApt(t *testing.T) {
	m := newMirror(t, false)
	m.set(true)
	if _, err := m.dial(t); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(m.root); err != nil || len(entries) > 0 {
		t.Errorf("a guest without apt got %v, %v", entries, err)
	}
}

// A student may connect as often as is liked; who waits is bounded.
func TestMirrorWithTooManyPrograms(t *testing.T) {
	m := newMirror(t, false)
	m.open = func(ctx context.Context) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	m.set(true)
	for i := range mirrorClients + 1 {
		conn, err := m.dial(t)
		if err != nil {
			t.Fatal(err)
		}
		if i == mirrorClients {
			if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("one program too many waits, too: %v", err)
			}
		}
	}
}
