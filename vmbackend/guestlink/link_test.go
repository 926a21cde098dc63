package guestlink

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a guest whose streams send back what they get.
type echo struct {
	mu       sync.Mutex
	personal []Personal
	refuse   error
}

func (e *echo) Personalise(_ context.Context, p Personal) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.personal = append(e.personal, p)
	return e.refuse
}

func (e *echo) ServeStream(_ context.Context, conn net.Conn) {
	defer conn.Close()
	_, _ = io.Copy(conn, conn)
}

var testPersonal = Personal{Hostname: "g", HostKey: []byte("key"), AuthorizedKey: []byte("login")}

func within(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	tb.Cleanup(cancel)
	return ctx
}

func serveGuest(tb testing.TB, l *umlLine, h Handler) *Guest {
	g := NewGuest(l.guest, h)
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { defer close(done); _ = g.Serve(ctx) }()
	tb.Cleanup(func() { cancel(); <-done })
	return g
}

func mustConnect(tb testing.TB, rw io.ReadWriteCloser) *Host {
	tb.Helper()
	h, err := Connect(within(tb), rw, testPersonal, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = h.Close() })
	return h
}

// exchange sends size random bytes and expects them back.
func exchange(tb testing.TB, h *Host, size int) {
	tb.Helper()
	conn, err := h.Open(within(tb))
	if err != nil {
		tb.Error(err)
		return
	}
	defer conn.Close()
	sent := make([]byte, size)
	for i := range sent {
		sent[i] = byte(rand.Uint32())
	}
	go func() { _, _ = conn.Write(sent) }()
	got := sha256.New()
	if _, err := io.CopyN(got, conn, int64(size)); err != nil {
		tb.Error(err)
		return
	}
	if want := sha256.Sum256(sent); !bytes.Equal(got.Sum(nil), want[:]) {
		tb.Errorf("%d bytes came back changed", size)
	}
}

func TestGuestBecomesPersonalBeforeAnyoneEnters(t *testing.T) {
	l, h := newUMLLine(t), &echo{}
	serveGuest(t, l, h)
	exchange(t, mustConnect(t, l.host()), 10_000)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.personal) != 1 || h.personal[0].Hostname != "g" || string(h.personal[0].HostKey) != "key" {
		t.Errorf("the guest got %+v", h.personal)
	}
}

func TestFiveConnectionsAtOnceStayApart(t *testing.T) {
	l := newUMLLine(t)
	serveGuest(t, l, &echo{})
	h := mustConnect(t, l.host())
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() { exchange(t, h, 30_000+i) })
	}
	all.Wait()
}

func TestWorstBytesStayWithinCredit(t *testing.T) {
	l := newUMLLine(t)
	serveGuest(t, l, &echo{})
	h := mustConnect(t, l.host())
	conn, err := h.Open(within(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	flags := bytes.Repeat([]byte{flagByte, escapeByte}, 8<<10)
	go func() { _, _ = conn.Write(flags) }()
	got := make([]byte, len(flags))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, flags) {
		t.Errorf("flags and escapes came back changed (%v)", err)
	}
}

func TestHundredConnectionsOpenAndClose(t *testing.T) {
	l := newUMLLine(t)
	serveGuest(t, l, &echo{})
	h := mustConnect(t, l.host())
	for range 100 {
		exchange(t, h, 100)
	}
}

func TestHostJoinsAgainAfterAnything(t *testing.T) {
	half := appendFrame(nil, frameData, bytes.Repeat([]byte("x"), 900))[:500]
	noise := make([]byte, 2000)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	for name, left := range map[string][2][]byte{
		"nothing":       {nil, nil},
		"half a frame":  {half, half},
		"noise":         {noise, noise},
		"boot messages": {[]byte("Linux version 6.1\r\n"), []byte("login: ")},
		"only flags":    {{flagByte, flagByte}, {flagByte}},
		"an escape":     {{flagByte, escapeByte}, {escapeByte}},
		"an old echo":   {appendFrame(nil, frameEcho, append([]byte{version}, make([]byte, nonceSize)...)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			l := newUMLLine(t)
			serveGuest(t, l, &echo{})
			l.garbage(left[0], left[1])
			first := mustConnect(t, l.host())
			exchange(t, first, 5000)
			_ = first.Close()
			l.garbage(left[0], left[1])
			exchange(t, mustConnect(t, l.host()), 5000)
		})
	}
}

func TestNewHostTakesOverFromOneThatDiedInMidTransfer(t *testing.T) {
	l := newUMLLine(t)
	serveGuest(t, l, &echo{})
	first := mustConnect(t, l.host())
	conn, err := first.Open(within(t))
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = conn.Write(make([]byte, 1<<20)) }()
	if _, err := io.ReadFull(conn, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	exchange(t, mustConnect(t, l.host()), 5000)
}

func TestHostHearsWhyTheGuestRefused(t *testing.T) {
	l := newUMLLine(t)
	serveGuest(t, l, &echo{refuse: errors.New("no interface eth7")})
	_, err := Connect(within(t), l.host(), testPersonal, Options{})
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("no interface eth7")) {
		t.Errorf("the host was told %v", err)
	}
}

func TestLostEchoIsRepeated(t *testing.T) {
	l := newUMLLine(t)
	serveGuest(t, l, &echo{})
	line := l.host()
	defer line.Close()
	dec := newDecoder(line)
	nonce := bytes.Repeat([]byte{7}, nonceSize)
	for range 2 {
		_, _ = line.Write(appendFrame(nil, frameSync, append([]byte{version}, nonce...)))
		for typ := frameHello; typ != frameEcho; {
			var err error
			if typ, _, err = dec.next(); err != nil && !errors.Is(err, errBadFrame) {
				t.Fatal(err)
			}
		}
	}
}

func TestConnectGivesUpWithItsContext(t *testing.T) {
	l := newUMLLine(t) // and no guest
	defer func() { _ = l.guest.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := Connect(ctx, l.host(), testPersonal, Options{})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestGuestThatEndsIsNoticed(t *testing.T) {
	l := newUMLLine(t)
	g := serveGuest(t, l, &echo{})
	h := mustConnect(t, l.host())
	if err := g.Bye("reboot"); err != nil {
		t.Fatal(err)
	}
	_ = l.guest.Close()
	select {
	case <-h.Done():
	case <-time.After(time.Minute):
		t.Fatal("the host waits for ever")
	}
	if h.Bye() != "reboot" || h.Err() == nil {
		t.Errorf("the host knows bye %q, error %v", h.Bye(), h.Err())
	}
	if _, err := h.Open(within(t)); err == nil {
		t.Error("a stream into a guest that is gone was opened")
	}
}

func TestOtherVersionIsExplained(t *testing.T) {
	l := newUMLLine(t)
	defer func() { _ = l.guest.Close() }()
	l.garbage(appendFrame(nil, frameHello, []byte{version + 1}), nil)
	_, err := Connect(within(t), l.host(), testPersonal, Options{})
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte(fmt.Sprintf("version %d", version+1))) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkLinkUp(b *testing.B) {
	l := newUMLLine(b)
	serveGuest(b, l, discardHandler{})
	h := mustConnect(b, l.host())
	conn, err := h.Open(within(b))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	block := make([]byte, 32<<10)
	b.SetBytes(int64(len(block)))
	for b.Loop() {
		if _, err := conn.Write(block); err != nil {
			b.Fatal(err)
		}
	}
}

type discardHandler struct{}

func (discardHandler) Personalise(context.Context, Personal) error { return nil }
func (discardHandler) ServeStream(_ context.Context, conn net.Conn) {
	_, _ = io.Copy(io.Discard, conn)
	_ = conn.Close()
}
