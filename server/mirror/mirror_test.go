package mirror

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/labmark/labmark/vmbackend/guestlink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bed is a mirror, a proxy to it, and what both have noted.
type bed struct {
	*testing.T
	mirror *httptest.Server
	socket string
	log    *safeBuffer

	mu    sync.Mutex
	heard []*http.Request // by the mirror
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newBed serves handler as a mirror that is called mirror.example. targets
// may say %s for the mirror's port; without any, its folder /debian is open.
func newBed(t *testing.T, handler http.HandlerFunc, targets ...string) *bed {
	b := &bed{T: t, log: &safeBuffer{}}
	b.mirror = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.heard = append(b.heard, r)
		b.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(b.mirror.Close)
	if targets == nil {
		targets = []string{"http://mirror.example:%s/debian=127.0.0.1"}
	}
	p, err := New(b.config(targets...))
	if err != nil {
		t.Fatal(err)
	}
	b.run(p)
	return b
}

func (b *bed) config(targets ...string) Config {
	cfg := Config{Log: slog.New(slog.NewTextHandler(b.log, nil))}
	for _, text := range targets {
		target, err := ParseTarget(strings.ReplaceAll(text, "%s", b.port()))
		if err != nil {
			b.Fatal(err)
		}
		cfg.Targets = append(cfg.Targets, target)
	}
	return cfg
}

func (b *bed) port() string {
	_, port, _ := net.SplitHostPort(b.mirror.Listener.Addr().String())
	return port
}

func (b *bed) run(p *Proxy) {
	// Longer than a socket's address may be.
	folder := filepath.Join(b.TempDir(), strings.Repeat("long", 30))
	if err := os.Mkdir(folder, 0o700); err != nil {
		b.Fatal(err)
	}
	b.socket = Socket(folder)
	listener, err := Listen(b.socket)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx, listener) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
}

// line is a connection as a guest's program has it.
func (b *bed) line(guest string) net.Conn {
	inside, outside := net.Pipe()
	accept := guestlink.ToMirror(b.socket, guest)
	go func() {
		accept(outside)
		outside.Close()
	}()
	_ = inside.SetDeadline(time.Now().Add(time.Minute))
	b.Cleanup(func() { inside.Close() })
	return inside
}

// ask sends a request as it stands and reads the answer.
func (b *bed) ask(guest, raw string) (*http.Response, string) {
	b.Helper()
	conn := b.line(guest)
	if _, err := io.WriteString(conn, raw); err != nil {
		b.Fatal(err)
	}
	method, _, _ := strings.Cut(raw, " ")
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.Fatal(err)
	}
	return answer, string(body)
}

func (b *bed) get(guest, path string, headers ...string) (*http.Response, string) {
	b.Helper()
	return b.ask(guest, fmt.Sprintf("GET http://mirror.example:%s%s HTTP/1.1\r\nHost: elsewhere.example\r\n%s\r\n",
		b.port(), path, strings.Join(append(headers, ""), "\r\n")))
}

func (b *bed) asked() []*http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.heard
}

func packages(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "secret/1.0")
	w.Header().Set("Set-Cookie", "a=b")
	w.Header().Set("X-Client-Ip", "192.0.2.1")
	http.ServeContent(w, r, "x.deb", time.Unix(1e9, 0), strings.NewReader("0123456789"))
}

func TestPackagesComeThrough(t *testing.T) {
	b := newBed(t, packages)
	answer, body := b.get("g1", "/debian/pool/x%2by.deb", "User-Agent: apt", "Cookie: c=d", "X-Forwarded-For: 10.0.0.1", "Via: me",
		"Proxy-Authorization: Basic eA==", "Authorization: Basic eA==", "Connection: keep-alive, X-Odd", "X-Odd: 1")
	if answer.StatusCode != 200 || body != "0123456789" || answer.Header.Get("Last-Modified") == "" {
		t.Errorf("the guest got %s %q", answer.Status, body)
	}
	for _, secret := range []string{"Server", "Set-Cookie", "X-Client-Ip", "Via"} {
		if got := answer.Header.Get(secret); got != "" {
			t.Errorf("the guest was told %s: %s", secret, got)
		}
	}
	r := b.asked()[0]
	if len(r.Header) != 1 || r.UserAgent() != "Labmark" || r.Host != "mirror.example:"+b.port() || r.URL.EscapedPath() != "/debian/pool/x%2by.deb" {
		t.Errorf("the mirror was asked %s of %s with %v", r.URL, r.Host, r.Header)
	}
	if answer, body := b.get("g1", "/debian/x", "Range: bytes=2-4"); answer.StatusCode != 206 || body != "234" {
		t.Errorf("a part: %s %q", answer.Status, body)
	}
	if answer, _ := b.get("g1", "/debian/x", "If-Modified-Since: "+time.Unix(1e9, 0).UTC().Format(http.TimeFormat)); answer.StatusCode != 304 {
		t.Errorf("an unchanged file: %s", answer.Status)
	}
	if answer, _ := b.ask("g1", "HEAD http://mirror.example:"+b.port()+"/debian/x HTTP/1.1\r\nHost: x\r\n\r\n"); answer.StatusCode != 200 || answer.ContentLength != 10 {
		t.Errorf("HEAD: %s, %d bytes", answer.Status, answer.ContentLength)
	}
	if got := b.log.String(); !strings.Contains(got, "guest=g1") || !strings.Contains(got, "/debian/pool/x") {
		t.Errorf("the log says %q", got)
	}
}

func TestNothingElseIsReached(t *testing.T) {
	b := newBed(t, packages)
	port := b.port()
	for name, raw := range map[string]string{
		"CONNECT":                "CONNECT mirror.example:" + port + " HTTP/1.1\r\nHost: mirror.example\r\n\r\n",
		"POST":                   "POST http://mirror.example:" + port + "/debian/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
		"a body":                 "GET http://mirror.example:" + port + "/debian/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
		"another host":           "GET http://other.example:" + port + "/debian/x HTTP/1.1\r\nHost: mirror.example\r\n\r\n",
		"another port":           "GET http://mirror.example/debian/x HTTP/1.1\r\nHost: mirror.example:" + port + "\r\n\r\n",
		"the address itself":     "GET http://127.0.0.1:" + port + "/debian/x HTTP/1.1\r\nHost: mirror.example\r\n\r\n",
		"another folder":         "GET http://mirror.example:" + port + "/private/x HTTP/1.1\r\nHost: x\r\n\r\n",
		"a folder alike":         "GET http://mirror.example:" + port + "/debian-private/x HTTP/1.1\r\nHost: x\r\n\r\n",
		"dots":                   "GET http://mirror.example:" + port + "/debian/../private HTTP/1.1\r\nHost: x\r\n\r\n",
		"dots in disguise":       "GET http://mirror.example:" + port + "/debian/%2e%2e/private HTTP/1.1\r\nHost: x\r\n\r\n",
		"a slash in disguise":    "GET http://mirror.example:" + port + "/debian/..%2fprivate HTTP/1.1\r\nHost: x\r\n\r\n",
		"a backslash":            "GET http://mirror.example:" + port + "/debian/..%5cprivate HTTP/1.1\r\nHost: x\r\n\r\n",
		"a line end":             "GET http://mirror.example:" + port + "/debian/%0d%0aX:y HTTP/1.1\r\nHost: x\r\n\r\n",
		"https":                  "GET https://mirror.example:" + port + "/debian/x HTTP/1.1\r\nHost: x\r\n\r\n",
		"a file":                 "GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
		"a page of the proxy":    "GET /debian/x HTTP/1.1\r\nHost: mirror.example:" + port + "\r\n\r\n",
		"metadata of a cloud":    "GET http://169.254.169.254/latest HTTP/1.1\r\nHost: x\r\n\r\n",
		"somebody at the host":   "GET http://me@mirror.example.evil:" + port + "/debian/x HTTP/1.1\r\nHost: x\r\n\r\n",
		"the host as a userinfo": "GET http://mirror.example:" + port + "@other.example/debian/x HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			answer, body := b.ask("g1", raw)
			if answer.StatusCode < 400 || answer.StatusCode > 499 {
				t.Errorf("the guest got %s %q", answer.Status, body)
			}
		})
	}
	if n := len(b.asked()); n > 0 {
		t.Errorf("the mirror was asked %d times", n)
	}
	if answer, body := b.ask("g1", "GET http://other.example/ HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.Contains(answer.Status, "not open to labs") || !strings.Contains(body, "mirror.example") {
		t.Errorf("a refusal says %q %q", answer.Status, body)
	}
}

func TestWithoutAMirrorTheGuestReadsWhy(t *testing.T) {
	b := newBed(t, packages, []string{}...)
	answer, body := b.get("g1", "/debian/x")
	if answer.StatusCode != 403 || !strings.Contains(answer.Status, "no package mirror") || !strings.Contains(body, "--mirror") {
		t.Errorf("the guest got %q %q", answer.Status, body)
	}
}

// A mirror may send elsewhere; the guest would have to ask for that by itself,
// and is judged anew.
func TestRedirectionsAreNotFollowed(t *testing.T) {
	b := newBed(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://mirror.example/private/secret", http.StatusFound)
	})
	answer, _ := b.get("g1", "/debian/x")
	if answer.StatusCode != 302 || answer.Header.Get("Location") != "http://mirror.example/private/secret" || len(b.asked()) != 1 {
		t.Errorf("the guest got %s, the mirror was asked %d times", answer.Status, len(b.asked()))
	}
}

// The name of an open mirror may lead to the gateway itself, by mistake or by
// somebody's name server.
func TestNamesThatLeadInsideAreNotDialled(t *testing.T) {
	b := newBed(t, packages, "http://localhost:%s/debian")
	answer, body := b.ask("g1", "GET http://localhost:"+b.port()+"/debian/x HTTP/1.1\r\nHost: x\r\n\r\n")
	if answer.StatusCode != 502 || len(b.asked()) > 0 || strings.Contains(answer.Status+body, "127.0.0.1") {
		t.Errorf("the guest got %s %q, the mirror was asked %d times", answer.Status, body, len(b.asked()))
	}
	if got := b.log.String(); !strings.Contains(got, "=127.0.0.1") && !strings.Contains(got, "=::1") {
		t.Errorf("the administrator is not told how to allow it: %s", got)
	}
}

// Each of these fails at once, so a guest can ask very often.
func TestAMirrorThatIsAwayDoesNotFillTheLog(t *testing.T) {
	b := newBed(t, packages, "http://localhost:%s/debian")
	begun := time.Now()
	for range 50 {
		b.ask("g1", "GET http://localhost:"+b.port()+"/debian/x HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	if most := int(time.Since(begun).Seconds()) + 1; strings.Count(b.log.String(), "\n") > most {
		t.Errorf("50 requests within %v left more than %d lines:\n%s", time.Since(begun), most, b.log.String())
	}
}

func TestGuestsAreKnownByTheHostsWord(t *testing.T) {
	b := newBed(t, packages)
	b.get("honest", "/debian/x")
	answer, _ := b.ask("forger", "honest\nGET http://mirror.example:"+b.port()+"/debian/x HTTP/1.1\r\nHost: x\r\n\r\n")
	if answer.StatusCode != 400 {
		t.Errorf("a second name was answered %s", answer.Status)
	}
	if n := strings.Count(b.log.String(), "guest=honest"); n != 1 {
		t.Errorf("honest has %d lines in the log: %s", n, b.log)
	}
}

// One guest waits for its own requests, not for those of others.
func TestAGuestHasFewRequestsAtATime(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	hold, arrived := make(chan struct{}), make(chan struct{}, 100)
	b := newBed(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "quick") {
			return
		}
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		arrived <- struct{}{}
		<-hold
		mu.Lock()
		now--
		mu.Unlock()
	})
	var all sync.WaitGroup
	for range 3 * guestRequests {
		all.Go(func() { b.get("greedy", "/debian/slow") })
	}
	for range guestRequests {
		<-arrived
	}
	if answer, _ := b.get("modest", "/debian/quick"); answer.StatusCode != 200 {
		t.Errorf("another guest got %s", answer.Status)
	}
	close(hold)
	all.Wait()
	if most != guestRequests {
		t.Errorf("%d requests of one guest were answered at a time", most)
	}
}

func TestHalfAnAnswerIsNoAnswer(t *testing.T) {
	b := newBed(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	conn := b.line("g1")
	fmt.Fprintf(conn, "GET http://mirror.example:%s/debian/x HTTP/1.1\r\nHost: x\r\n\r\n", b.port())
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err == nil {
		t.Errorf("the guest takes %q for the whole file", body)
	}
}

// Guests' tools verify packages, not mirrors; between the gateway and the
// mirror HTTPS can be had all the same.
func TestHTTPSMirrorIsVerified(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(packages))
	defer secure.Close()
	b := newBed(t, packages)
	b.mirror = secure
	for _, c := range []struct {
		host   string
		status int
	}{{"example.com", 200}, {"other.test", 502}} { // whom httptest's certificate is for
		p, err := New(b.config("https://" + c.host + ":%s/debian=127.0.0.1"))
		if err != nil {
			t.Fatal(err)
		}
		p.transport.TLSClientConfig = secure.Client().Transport.(*http.Transport).TLSClientConfig
		b.run(p)
		answer, _ := b.ask("g1", "GET http://"+c.host+":"+b.port()+"/debian/x HTTP/1.1\r\nHost: x\r\n\r\n")
		if answer.StatusCode != c.status {
			t.Errorf("%s: the guest got %s", c.host, answer.Status)
		}
	}
}
