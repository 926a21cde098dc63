// Package e2e tests the built binary as its users meet it: over HTTP, with
// real guests, while things go wrong. Browser tests stand beside it (*.mjs).
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// patience is how long a test waits for what must come: these tests share
// two slow cores with others.
const patience = 2 * time.Minute

// binary is labmark as `make build` leaves it.
const binary = "../bin/labmark"

// gateway is a running server that can be killed and started again.
type gateway struct {
	dir, url string
	args     []string
	cmd      *exec.Cmd
	output   *bytes.Buffer
}

// startGateway serves a course from a fresh data folder until the test ends,
// then removes all guests.
func startGateway(t *testing.T, course string, args ...string) *gateway {
	t.Helper()
	g := newGateway(t, course, args...)
	g.start(t)
	return g
}

// newGateway is one that is yet to be started.
func newGateway(t *testing.T, course string, args ...string) *gateway {
	t.Helper()
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("%v: run make build first (make test does)", err)
	}
	// The path of a guest's socket must be short, so t.TempDir won't do.
	dir, err := os.MkdirTemp("", "lm")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	g := &gateway{dir: dir, url: "http://" + addr, output: &bytes.Buffer{},
		args: append([]string{"serve", "--listen", addr, "--data-dir", dir, "--log-level", "debug"}, append(args, course)...)}
	t.Cleanup(func() {
		g.kill()
		endGuests(t, dir)
		os.RemoveAll(dir)
		if t.Failed() {
			t.Logf("the gateway said:\n%s", tail(g.output.String(), 8000))
		}
	})
	return g
}

// labmark runs a command on the gateway's data folder and returns what it said.
func (g *gateway) labmark(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(binary, append(args, "--data-dir", g.dir)...).CombinedOutput()
	if err != nil {
		t.Fatalf("labmark %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

func (g *gateway) start(t *testing.T) {
	t.Helper()
	g.cmd = exec.Command(binary, g.args...)
	g.cmd.Stdout, g.cmd.Stderr = g.output, g.output
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the gateway to answer", func() bool {
		res, err := http.Get(g.url + "/healthz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// kill ends the gateway as a crash would.
func (g *gateway) kill() {
	if g.cmd != nil {
		_ = g.cmd.Process.Kill() // it may have ended already
		_ = g.cmd.Wait()
		g.cmd = nil
	}
}

// endGuests ends the guests that a killed gateway has left, and what looks
// after them.
func endGuests(t *testing.T, dir string) {
	pids, _ := filepath.Glob(filepath.Join(dir, "uml", "guests", "*", "shim.pid"))
	for _, file := range pids {
		pid, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if err := exec.Command("kill", "-9", strings.TrimSpace(string(pid))).Run(); err != nil {
			t.Logf("supervisor %s had ended already", pid)
		}
	}
}

// addUser makes an account by the command line.
func (g *gateway) addUser(t *testing.T, name string) {
	t.Helper()
	cmd := exec.Command(binary, "user", "add", "--data-dir", g.dir, name)
	cmd.Stdin = strings.NewReader("open sesame\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("user add: %v\n%s", err, out)
	}
}

// student is somebody signed in.
type student struct {
	*http.Client
	g    *gateway
	name string
	api  string // of one tutorial
}

// student signs a new student in, for one tutorial of the course "trials".
func (g *gateway) student(t *testing.T, name, tutorial string) *student {
	t.Helper()
	g.addUser(t, name)
	jar, _ := cookiejar.New(nil) // never fails
	s := &student{Client: &http.Client{Jar: jar}, g: g, name: name, api: g.url + "/api/courses/trials/" + tutorial}
	res, err := s.PostForm(g.url+"/login", url.Values{"login": {name}, "password": {"open sesame"}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK || strings.HasPrefix(res.Request.URL.Path, "/login") {
		t.Fatalf("%s can't sign in: %s at %s", name, res.Status, res.Request.URL)
	}
	return s
}

// post sends JSON and returns status and body.
func (s *student) post(t *testing.T, address string, body any) (int, string) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Post(address, "application/json", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// event is one server-sent event.
type event struct {
	Name string
	Data map[string]any
}

// events reads the tutorial's stream into a channel until the test ends or
// the stream does.
func (s *student) events(t *testing.T) <-chan event {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.api+"/events", nil)
	res, err := s.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	ch := make(chan event, 1000)
	go func() {
		defer close(ch)
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		var e event
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				e = event{Name: name}
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && json.Unmarshal([]byte(data), &e.Data) == nil {
				ch <- e
			}
		}
	}()
	return ch
}

// await returns the first event that fits.
func await(t *testing.T, ch <-chan event, what string, fits func(event) bool) event {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case e, more := <-ch:
			if !more {
				t.Fatalf("the event stream ended while waiting for %s", what)
			}
			if fits(e) {
				return e
			}
		case <-timeout:
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// guest waits for a state of the machine.
func (s *student) guest(t *testing.T, state string) {
	t.Helper()
	await(t, s.events(t), "the machine to be "+state, func(e event) bool {
		if e.Name == "guest" && e.Data["state"] == "failed" && state != "failed" {
			t.Fatalf("the machine failed: %v", e.Data["detail"])
		}
		return e.Name == "guest" && e.Data["state"] == state
	})
}

// do starts, resets or stops the machine.
func (s *student) do(t *testing.T, act string) {
	t.Helper()
	if status, body := s.post(t, s.api+"/guest/"+act, nil); status != http.StatusAccepted {
		t.Fatalf("%s: %d %s", act, status, body)
	}
}

func (s *student) ready(t *testing.T) {
	t.Helper()
	s.do(t, "start")
	s.guest(t, "ready")
}

func newUUID() string {
	b := make([]byte, 16)
	rand.Read(b)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// check runs a check and returns its verdict and message.
func (s *student) check(t *testing.T, id string) (verdict, message string) {
	t.Helper()
	ch := s.events(t)
	attempt := newUUID()
	if status, body := s.post(t, s.api+"/checks/"+id, map[string]string{"attempt": attempt}); status != http.StatusAccepted {
		t.Fatalf("check %s: %d %s", id, status, body)
	}
	return s.verdict(t, ch, attempt)
}

// verdict waits until an attempt is done.
func (s *student) verdict(t *testing.T, ch <-chan event, attempt string) (verdict, message string) {
	t.Helper()
	e := await(t, ch, "a verdict", func(e event) bool {
		return e.Name == "attempt" && e.Data["id"] == attempt && e.Data["state"] == "done"
	})
	verdict, _ = e.Data["verdict"].(string)
	message, _ = e.Data["message"].(string)
	return verdict, message
}

// shell is a terminal as a page has it.
type shell struct {
	ws    *websocket.Conn
	ended chan struct{} // closed when the terminal is
	mu    sync.Mutex
	text  []byte
}

// shell opens the tutorial's terminal.
func (s *student) shell(t *testing.T, name string) *shell {
	t.Helper()
	sh := s.dial(t, name)
	go func() {
		defer close(sh.ended)
		for {
			kind, b, err := sh.ws.Read(context.Background())
			if err != nil {
				return
			}
			if kind == websocket.MessageBinary {
				sh.mu.Lock()
				sh.text = append(sh.text, b...)
				sh.mu.Unlock()
			}
		}
	}()
	return sh
}

// dial opens a terminal and reads nothing.
func (s *student) dial(t *testing.T, name string) *shell {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, s.api+"/terminal?name="+name, &websocket.DialOptions{HTTPClient: s.Client})
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(1 << 20)
	t.Cleanup(func() { ws.CloseNow() })
	if err := ws.Write(ctx, websocket.MessageText, []byte(`{"type":"resize","cols":100,"rows":30}`)); err != nil {
		t.Fatal(err)
	}
	return &shell{ws: ws, ended: make(chan struct{})}
}

func (sh *shell) shown() string {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return string(sh.text)
}

func (sh *shell) send(t *testing.T, text string) {
	t.Helper()
	if err := sh.ws.Write(context.Background(), websocket.MessageBinary, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// run types a command and waits for its end.
func (sh *shell) run(t *testing.T, command string) {
	t.Helper()
	mark := newUUID()[:8]
	// The mark is typed in two parts, so that its echo does not count.
	sh.send(t, command+"; echo "+mark[:4]+"''"+mark[4:]+"\r")
	sh.await(t, "the end of "+command, func(shown string) bool { return strings.Contains(shown, mark) })
}

// await polls what the terminal shows.
func (sh *shell) await(t *testing.T, what string, fits func(shown string) bool) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("the terminal shows:\n%s", tail(sh.shown(), 2000))
		}
	}()
	eventually(t, what, func() bool { return fits(sh.shown()) })
}

// eventually polls until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("waited %v for %s", patience, what)
}
