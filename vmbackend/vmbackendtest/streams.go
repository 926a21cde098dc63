package vmbackendtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/labmark/labmark/vmbackend/guestssh"
)

// Any number of streams may be open.
func testManyStreams(w *bench) {
	m := w.running("busy")
	text := make([]byte, 100<<10)
	_, _ = rand.Read(text) // never fails
	w.each(w.Streams, func(int) error {
		ctx, cancel := context.WithTimeout(w.ctx, w.Patience)
		defer cancel()
		client, err := guestssh.Connect(ctx, w.b, m.id, "root", m.host, w.key)
		if err != nil {
			return err
		}
		defer func() { _ = client.Close() }()
		got, err := w.echo(client, string(text))
		if err == nil && got != string(text) {
			err = fmt.Errorf("sent %d bytes through cat, %d came back or were altered", len(text), len(got))
		}
		return err
	})
	for i := range 3 * w.Streams { // and they leave nothing behind that piles up
		conn, err := w.b.Dial(w.ctx, m.id)
		if err != nil {
			w.Fatalf("Dial no. %d: %v", i, err)
		}
		_ = conn.Close()
	}
	w.run(m.connect("root"), "true")
}

// One stream's trouble is not another's: a client that never reads, and one
// that went away in the middle.
func testStreamsAreIndependent(w *bench) {
	m := w.running("crowd")
	flooded, gone, well := m.connect("root"), m.connect("root"), m.connect("root")
	flood, err := flooded.NewSession()
	if err != nil {
		w.Fatal(err)
	}
	if _, err := flood.StdoutPipe(); err != nil { // never read
		w.Fatal(err)
	}
	if err := flood.Start("yes"); err != nil {
		w.Fatal(err)
	}
	left, err := gone.NewSession()
	if err != nil {
		w.Fatal(err)
	}
	if err := left.Start("sleep 1000"); err != nil {
		w.Fatal(err)
	}
	_ = gone.Close()
	for range 3 {
		if got := w.run(well, "echo fine"); got != "fine" {
			w.Errorf("got %q", got)
		}
	}
	w.run(m.connect("student"), "true")
}

// A stream is a net.Conn, with deadlines.
func testStreamDeadline(w *bench) {
	m := w.running("waiting")
	conn, err := w.b.Dial(w.ctx, m.id)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetReadDeadline(time.Now().Add(w.Patience)); err != nil {
		w.Fatal(err)
	}
	banner := make([]byte, 4)
	if _, err := io.ReadFull(conn, banner); err != nil || string(banner) != "SSH-" {
		w.Fatalf("the stream begins with %q, error %v; want SSH's banner", banner, err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		w.Fatal(err)
	}
	_, err = io.Copy(io.Discard, conn)
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		w.Errorf("reading past the deadline: got %v, want a timeout", err)
	}
}

// Stop ends a guest at once: open streams notice.
func testStopEndsStreams(w *bench) {
	m := w.running("cut")
	client := m.connect("root")
	session, err := client.NewSession()
	if err != nil {
		w.Fatal(err)
	}
	if err := session.Start("sleep 1000"); err != nil {
		w.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = session.Wait()
		_ = client.Wait()
	}()
	m.stop()
	w.soon("the streams of a stopped guest end", ended)
}
