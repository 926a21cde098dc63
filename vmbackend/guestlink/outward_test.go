package guestlink

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// shout answers a stream of the guest with what it says, in capitals.
func shout(conn net.Conn) {
	buf := make([]byte, 100)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		_, _ = conn.Write(bytes.ToUpper(buf[:n]))
	}
}

func ask(t *testing.T, g *Guest, ctx context.Context) {
	t.Helper()
	conn, err := g.Open(ctx)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	answer := make([]byte, 5)
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Error(err)
	} else if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HELLO" {
		t.Errorf("the host answered %q (%v)", answer, err)
	}
}

// An honest guest may want more streams than it gets, and faster. It waits;
// its link stays, and so do the streams of those who are inside.
func TestGuestReachesTheHostHoweverManyWantTo(t *testing.T) {
	l, h := newUMLLine(t), &echo{}
	g := serveGuest(t, l, h)
	host, err := Connect(within(t), l.host(), testPersonal, Options{Accept: shout})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	if !h.personal[0].Streams {
		t.Error("the guest was not told that it may open streams")
	}
	var all sync.WaitGroup
	for range 3 * maxOutward {
		all.Go(func() { ask(t, g, within(t)) })
	}
	all.Go(func() { exchange(t, host, 30_000) })
	all.Wait()
	if err := host.Err(); err != nil {
		t.Errorf("the link broke: %v", err)
	}
}

func TestGuestWaitsForAHostThatTakesStreams(t *testing.T) {
	l := newUMLLine(t)
	g := serveGuest(t, l, &echo{})
	sealed := mustConnect(t, l.host())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := g.Open(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a guest that may open nothing got %v", err)
	}
	if err := sealed.Err(); err != nil {
		t.Errorf("the guest's wish broke the link: %v", err)
	}
	_ = sealed.Close()
	done := make(chan struct{})
	go func() { defer close(done); ask(t, g, within(t)) }()
	host, err := Connect(within(t), l.host(), testPersonal, Options{Accept: shout})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	<-done
}

func TestNobodyWaitsForALineThatIsGone(t *testing.T) {
	l := newUMLLine(t)
	g := NewGuest(l.guest, &echo{})
	served, opened := make(chan error, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { served <- g.Serve(ctx) }()
	go func() { _, err := g.Open(within(t)); opened <- err }()
	cancel()
	if err := <-served; !errors.Is(err, context.Canceled) {
		t.Errorf("Serve says %v", err)
	}
	if err := <-opened; !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
}

func TestGuestThatFloodsWithStreamsLosesItsLink(t *testing.T) {
	var many, fast []byte
	for i := range uint32(maxVisitors + 1) {
		many = append(many, muxHeaderOf(muxUpdate, muxSYN, 2+2*i, 0)...)
	}
	for i := range uint32(visitorBurst + 50) {
		fast = append(fast, muxHeaderOf(muxUpdate, muxSYN, 2+2*i, 0)...)
		fast = append(fast, muxHeaderOf(muxUpdate, muxRST, 2+2*i, 0)...)
	}
	twice := bytes.Repeat(muxHeaderOf(muxUpdate, muxSYN, 2, 0), 2)
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"many at once":       {many, "more streams"},
		"one after another":  {fast, "more streams"},
		"one stream twice":   {twice, "more streams"},
		"the host's streams": {muxHeaderOf(muxUpdate, muxSYN, 3, 0), "open a stream"},
	} {
		t.Run(name, func(t *testing.T) {
			var raw []byte
			for len(c.raw) > 0 {
				n := min(len(c.raw), maxPayload)
				raw, c.raw = append(raw, data(c.raw[:n])...), c.raw[n:]
			}
			_, err := Connect(within(t), hostileGuest(t, raw), testPersonal, Options{Accept: shout})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the host says %v; it should say something of %q", err, c.want)
			}
		})
	}
}

// A guest is saved after its hello and restored many times: whoever joins a
// copy then does not wait for it to speak.
func TestHelloIsAwaitedWithoutJoining(t *testing.T) {
	l, h := newUMLLine(t), &echo{}
	l.garbage([]byte("Linux version 7.2\r\n"), nil)
	serveGuest(t, l, h)
	first := l.host()
	if err := AwaitHello(within(t), first); err != nil {
		t.Fatal(err)
	}
	if len(h.personal) > 0 || l.down.peak > 0 {
		t.Errorf("awaiting it sent %d bytes to the guest", l.down.peak)
	}
	host, err := Connect(within(t), first, testPersonal, Options{Awake: true})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	exchange(t, host, 5000)
}

func TestHelloThatNeverComes(t *testing.T) {
	l := newUMLLine(t)
	defer l.guest.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := AwaitHello(ctx, l.host()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// A virtio port takes more at once than UML's line, which makes it faster.
func TestWideWindowIsUsedAndKept(t *testing.T) {
	l := newUMLLine(t)
	l.down.chunk = 4096
	serveGuest(t, l, &echo{})
	host, err := Connect(within(t), l.host(), testPersonal, Options{Window: PortWindow})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	exchange(t, host, 2<<20)
	l.down.mu.Lock()
	defer l.down.mu.Unlock()
	if l.down.peak <= lineLimit || l.down.peak > PortWindow {
		t.Errorf("the host was up to %d bytes ahead of the guest", l.down.peak)
	}
	l.down.peak = 0 // this line is no UML line
}

// The proxy hears the guest's name from the host, before anything that the
// guest says; without a proxy the guest is told.
func TestStreamsReachTheMirrorUnderTheHostsName(t *testing.T) {
	folder := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(folder)
	listener, err := net.Listen("unix", "mirror.sock")
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		all, _ := io.ReadAll(io.LimitReader(conn, 17))
		_, _ = conn.Write([]byte("bye"))
		heard <- string(all)
	}()
	guest, host := net.Pipe()
	accept := ToMirror(filepath.Join(folder, "mirror.sock"), "guest-7")
	go func() { accept(host); host.Close() }()
	if _, err := guest.Write([]byte("guest-8\nx")); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(guest)
	if got := <-heard; got != "guest-7\nguest-8\nx" || string(answer) != "bye" {
		t.Errorf("the proxy heard %q, the guest %q", got, answer)
	}
	_ = listener.Close()
	guest, host = net.Pipe()
	go func() { accept(host); host.Close() }()
	if answer, _ := io.ReadAll(guest); !strings.HasPrefix(string(answer), "HTTP/1.1 503 ") {
		t.Errorf("without a proxy the guest heard %q", answer)
	}
}
