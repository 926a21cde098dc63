package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/coder/websocket"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/login"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/simulated"
)

// screens is a server with a course whose guests have screens.
type screens struct {
	*Server
	t   *testing.T
	url string
}

const screenAPI = "/api/courses/screens/look"

func mustServeScreens(t *testing.T, guests string, hide bool) *screens {
	return mustServeScreensOf(t, guests, func(b *simulated.Backend) vmbackend.Backend {
		if hide {
			return struct{ vmbackend.Backend }{b}
		}
		return b
	})
}

func mustServeScreensOf(t *testing.T, guests string, of func(*simulated.Backend) vmbackend.Backend) *screens {
	t.Helper()
	course, findings := content.Load(fstest.MapFS{
		"course.yaml":       {Data: []byte("id: screens\ntitle: Screens\n")},
		"tutorials/look.md": {Data: []byte("---\ntitle: Look\nguests: {box: " + guests + "}\n---\n\n## Look\n\nLook.\n")},
	})
	if course == nil {
		t.Fatal(findings)
	}
	backend, err := simulated.New(simulated.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "lm")
	if err != nil {
		t.Fatal(err)
	}
	public := &url.URL{Scheme: "http", Host: l.Addr().String()}
	s, err := New(t.Context(), Config{DataDir: dir, Courses: []*content.Course{course}, Backend: of(backend),
		Image:     func(string) (string, error) { return "sha256:" + strings.Repeat("a", 64), nil },
		PublicURL: public, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		s.Close()
		_ = backend.Close()
		_ = os.RemoveAll(dir)
	})
	return &screens{s, t, public.String()}
}

// student signs in as somebody new.
func (s *screens) student(name string) *http.Client {
	s.t.Helper()
	const password = "correct horse"
	if err := s.store.AddUser(s.t.Context(), &store.User{Login: name, Name: name, PasswordHash: login.Hash(password)}); err != nil {
		s.t.Fatal(err)
	}
	jar, _ := cookiejar.New(nil) // never fails without options
	c := &http.Client{Jar: jar, Timeout: patience}
	answer, err := c.PostForm(s.url+"/login", url.Values{"login": {name}, "password": {password}})
	if err != nil {
		s.t.Fatal(err)
	}
	answer.Body.Close()
	return c
}

func (s *screens) post(c *http.Client, path string) {
	s.t.Helper()
	answer, err := c.Post(s.url+path, "application/json", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode >= 400 {
		s.t.Fatalf("POST %s: %s", path, answer.Status)
	}
}

// dial opens the screen, and waits through what passes by itself.
func (s *screens) dial(c *http.Client, header http.Header) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	return websocket.Dial(ctx, s.url+screenAPI+"/desktop?guest=box", &websocket.DialOptions{HTTPClient: c, HTTPHeader: header})
}

// viewer is an opened screen.
type viewer struct {
	*websocket.Conn
	name string // of the desktop: the guest's ID
}

// look waits until the student's screen shows and reads its name.
func (s *screens) look(c *http.Client) *viewer {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		ws, _, err := s.dial(c, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		v := &viewer{Conn: ws}
		// Reading ends with the test at the latest.
		stream := websocket.NetConn(s.t.Context(), ws, websocket.MessageBinary)
		if v.name, err = greet(stream); err == nil {
			return v
		}
		if code := websocket.CloseStatus(err); code != 4001 || time.Now().After(deadline) {
			s.t.Fatalf("no screen: %v", err)
		}
	}
}

// greet is a viewer's part of RFC 6143, section 7.1 to 7.3.
func greet(c io.ReadWriter) (name string, err error) {
	read := func(n int) []byte {
		b := make([]byte, n)
		if err == nil {
			_, err = io.ReadFull(c, b)
		}
		return b
	}
	say := func(b string) {
		if err == nil {
			_, err = io.WriteString(c, b)
		}
	}
	read(12)
	say("RFB 003.008\n")
	read(2)
	say("\x01")
	read(4)
	say("\x01")
	size := read(24)
	return string(read(int(size[23]))), err
}

// closed waits until the server ends the connection, and gives its code.
func (v *viewer) closed(t *testing.T) websocket.StatusCode {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		if _, _, err := v.Conn.Read(ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func TestEachStudentSeesTheOwnScreen(t *testing.T) {
	s := mustServeScreens(t, "{image: debian-12, desktop: true}", false)
	ann, ben := s.student("ann"), s.student("ben")
	for _, c := range []*http.Client{ann, ben} {
		s.post(c, screenAPI+"/guest/start")
	}
	one, two := s.look(ann), s.look(ben)
	if one.name == two.name || one.name == "" {
		t.Errorf("the screens are of the guests %q and %q", one.name, two.name)
	}
	if again := s.look(ann); again.name != one.name {
		t.Errorf("a second look shows %q, the first one %q", again.name, one.name)
	}
	if _, answer, err := s.dial(&http.Client{Timeout: patience}, nil); err == nil || answer.StatusCode == http.StatusSwitchingProtocols {
		t.Error("somebody who is not signed in sees a screen")
	}
	if _, _, err := s.dial(ann, http.Header{"Origin": {"https://elsewhere.test"}}); err == nil {
		t.Error("a page of another site sees the screen")
	}
}

func TestScreenEndsWithTheGuest(t *testing.T) {
	s := mustServeScreens(t, "{image: debian-12, desktop: true}", false)
	ann := s.student("ann")
	s.post(ann, screenAPI+"/guest/start")
	before := s.look(ann)
	s.post(ann, screenAPI+"/guest/reset")
	if code := before.closed(t); code != 4001 {
		t.Errorf("at a reset the old screen ends with %d", code)
	}
	after := s.look(ann)
	if after.name == before.name {
		t.Error("after a reset the screen is the old guest's")
	}
	s.post(ann, screenAPI+"/guest/stop")
	if code := after.closed(t); code != 4001 {
		t.Errorf("at a stop the screen ends with %d", code)
	}
}

func TestAScreenIsOpenInFewPlaces(t *testing.T) {
	s := mustServeScreens(t, "{image: debian-12, desktop: true}", false)
	ann := s.student("ann")
	s.post(ann, screenAPI+"/guest/start")
	var open []*viewer
	for range 8 {
		open = append(open, s.look(ann))
	}
	ws, _, err := s.dial(ann, nil)
	if err != nil {
		t.Fatal(err)
	}
	if code := (&viewer{Conn: ws}).closed(t); code != websocket.StatusTryAgainLater {
		t.Errorf("the ninth place ends with %d", code)
	}
	for _, v := range open {
		v.Conn.CloseNow()
	}
	for deadline := time.Now().Add(patience); ; {
		ws, _, err := s.dial(ann, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = greet(websocket.NetConn(t.Context(), ws, websocket.MessageBinary)); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after the others were closed: %v", err)
		}
	}
}

// deafScreens are screens by SSH whose machine stands still: what is written
// there waits, and no deadline ends that.
type deafScreens struct {
	*simulated.Backend
	closed chan struct{}
}

func (d deafScreens) DialDesktop(context.Context, string) (net.Conn, error) {
	here, _ := net.Pipe()
	return deafScreen{here, d.closed, &sync.Once{}}, nil
}

type deafScreen struct {
	net.Conn
	closed chan struct{}
	once   *sync.Once
}

func (deafScreen) SetWriteDeadline(time.Time) error { return errors.New("not supported") }

func (s deafScreen) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.Conn.Close()
}

// The server finds out after 45 seconds.
func TestAScreenThatTakesNoKeysIsLetGo(t *testing.T) {
	closed := make(chan struct{})
	s := mustServeScreensOf(t, "{image: debian-12, desktop: true}", func(b *simulated.Backend) vmbackend.Backend { return deafScreens{b, closed} })
	ann := s.student("ann")
	s.post(ann, screenAPI+"/guest/start")
	for deadline := time.Now().Add(patience); ; {
		ws, _, err := s.dial(ann, nil)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil { // until the page has gone, or the guest was not there yet
			if err = ws.Write(t.Context(), websocket.MessageBinary, make([]byte, 1000)); err == nil {
				short, cancel := context.WithTimeout(t.Context(), time.Second)
				_, _, err = ws.Read(short) // which closes it
				cancel()
			}
		}
		if websocket.CloseStatus(err) != 4001 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the guest does not start")
		}
	}
	select {
	case <-closed:
	case <-time.After(patience):
		t.Error("the page has gone, and the screen is still open")
	}
}

// The server looks every 30 seconds.
func TestScreenEndsWithTheSession(t *testing.T) {
	s := mustServeScreens(t, "{image: debian-12, desktop: true}", false)
	ann := s.student("ann")
	s.post(ann, screenAPI+"/guest/start")
	v := s.look(ann)
	s.post(ann, "/logout")
	if code := v.closed(t); code != websocket.StatusPolicyViolation {
		t.Errorf("after signing out the screen ends with %d", code)
	}
}

func TestOnlyBytesGoToAScreen(t *testing.T) {
	s := mustServeScreens(t, "{image: debian-12, desktop: true}", false)
	ann := s.student("ann")
	s.post(ann, screenAPI+"/guest/start")
	for what, frame := range map[string]struct {
		kind websocket.MessageType
		data []byte
		want websocket.StatusCode
	}{
		"text":       {websocket.MessageText, []byte("{}"), websocket.StatusUnsupportedData},
		"a megabyte": {websocket.MessageBinary, make([]byte, 1<<20), websocket.StatusMessageTooBig},
	} {
		v := s.look(ann)
		if err := v.Conn.Write(t.Context(), frame.kind, frame.data); err != nil {
			t.Fatal(err)
		}
		if code := v.closed(t); code != frame.want {
			t.Errorf("%s: the connection ends with %d, not %d", what, code, frame.want)
		}
	}
}

func TestWhereThereIsNoScreen(t *testing.T) {
	for what, c := range map[string]struct {
		guests string
		hide   bool
		words  string
	}{
		"backend without screens": {"{image: debian-12, desktop: true}", true, "have no screen"},
		"guest without a screen":  {"{image: debian-12}", false, "Reset it"},
	} {
		t.Run(what, func(t *testing.T) {
			s := mustServeScreens(t, c.guests, c.hide)
			ann := s.student("ann")
			s.post(ann, screenAPI+"/guest/start")
			for deadline := time.Now().Add(patience); ; {
				ws, _, err := s.dial(ann, nil)
				if err != nil {
					t.Fatal(err)
				}
				var end websocket.CloseError
				_, _, err = ws.Read(t.Context())
				if !errors.As(err, &end) {
					t.Fatalf("the connection ended without a word: %v", err)
				}
				if end.Code == 4004 && strings.Contains(end.Reason, c.words) {
					return
				}
				if end.Code != 4001 || time.Now().After(deadline) {
					t.Fatalf("it ends with %d %q", end.Code, end.Reason)
				}
			}
		})
	}
}
