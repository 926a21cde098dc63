package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/lti/ltitest"
	"github.com/labmark/labmark/server/lms"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/simulated"
)

// bed is a whole server with guests that are simulated, and a platform.
type bed struct {
	*Server
	t    *testing.T
	url  string
	lms  *ltitest.Platform
	tool ltitest.Tool
	in   ltitest.Course
	// people of the platform, by username
	people map[string]ltitest.User
	one    ltitest.Link // shows the tutorial "one"

	mu      sync.Mutex
	verdict string // what guests' checks come to
}

// secretOutput is what checks print beside their message.
const secretOutput = "expected: SECRET-OUTPUT-5e1f"

// patience is how long a test waits for what must come.
const patience = time.Minute

var files = fstest.MapFS{
	"course.yaml":      {Data: []byte("id: linux\ntitle: Linux\ntutorials: [one, two]\n")},
	"tutorials/one.md": {Data: []byte(lesson("One", "first"))},
	"tutorials/two.md": {Data: []byte(lesson("Two", "second"))},
}

func lesson(title, check string) string {
	return "---\ntitle: " + title + "\nguests: {lab: {image: debian-12}}\n---\n\n## Do it\n\n:::task {#t-" + check + " title=Task}\nDo it.\n\n" +
		"```check {#" + check + " points=10 sticky=false}\n:pass: This is what I saw.\n:fail: This is what I saw.\ntrue\n```\n\n" +
		"```solve {for=" + check + "}\ntrue\n```\n:::\n"
}

// mustServe starts a server; changes are made to its settings before.
func mustServe(t *testing.T, kind ltitest.Kind, changes ...func(*Config)) *bed {
	t.Helper()
	course, findings := content.Load(files)
	for _, f := range findings {
		t.Log(f)
	}
	if course == nil {
		t.Fatal("the course can't be read")
	}
	b := &bed{t: t, verdict: "pass", people: map[string]ltitest.User{}}
	backend, err := simulated.New(simulated.Options{Dir: t.TempDir(), Machine: func(vmbackend.Spec, *simulated.Disk) simulated.Machine {
		return simulated.Machine{Exec: func(_, stdin string) (string, string, int) {
			b.mu.Lock()
			defer b.mu.Unlock()
			stdout, stderr, status := simulated.CheckAnswer(stdin, b.verdict, "This is what I saw.")
			return stdout + secretOutput, stderr, status
		}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	public, _ := url.Parse("http://" + l.Addr().String())
	b.url = public.String()
	dir, err := os.MkdirTemp("", "lm")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{DataDir: dir, Courses: []*content.Course{course}, Backend: backend,
		Image:     func(string) (string, error) { return "sha256:" + strings.Repeat("a", 64), nil },
		PublicURL: public, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, change := range changes {
		change(&cfg)
	}
	if b.Server, err = New(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- b.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		b.Close()
		os.RemoveAll(dir)
	})
	b.platform(kind)
	return b
}

// platform begins a platform that knows this server, and is known to it.
func (b *bed) platform(kind ltitest.Kind) {
	var p *ltitest.Platform
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.ServeHTTP(w, r) }))
	b.t.Cleanup(srv.Close)
	cfg := ltitest.Config{Kind: kind, Issuer: srv.URL, Host: srv.URL}
	if kind == ltitest.Canvas {
		cfg.Issuer = "https://canvas.test"
	}
	p = ltitest.New(cfg)
	b.lms = p
	b.tool = p.AddTool(ltitest.Tool{ClientID: "us", LoginURL: b.url + lti.LoginPath, LaunchURLs: []string{b.url + lti.LaunchPath}, KeysURL: b.url + lti.KeysPath})
	b.in = ltitest.Demo(p, ltitest.Link{Title: "Lab one", Points: 10, Custom: map[string]string{"tutorial": "linux/one"}})
	b.one = p.Links(b.in.ID)[0]
	for _, u := range p.Users() {
		b.people[u.Username] = u
	}
	_, err := b.office.Add(b.t.Context(), store.Platform{Name: "Our Moodle", Product: string(kind), Issuer: p.Issuer(), ClientID: "us",
		AuthURL: p.AuthURL(), TokenURL: p.TokenURL(), KeysURL: p.KeysURL(), Deployments: []string{lti.AnyDeployment},
		FrameOrigins: lms.FrameOrigins(lti.Platform{Issuer: p.Issuer(), AuthURL: p.AuthURL()})})
	if err != nil {
		b.t.Fatal(err)
	}
}

// browser is one person's browser; it may hold several sessions.
type browser struct {
	*bed
	http *http.Client
	at   string // "/at/KEY" of the last launch
}

func (b *bed) browser() *browser {
	return &browser{bed: b, http: &http.Client{Jar: ltitest.NewJar(), Timeout: patience}}
}

// launch launches, and returns the page that comes of it.
func (b *browser) launch(m ltitest.Message) (*http.Response, string) {
	b.t.Helper()
	answer, err := b.lms.Launch(b.t.Context(), b.http, m)
	if err != nil {
		b.t.Fatal(err)
	}
	body := read(b.t, answer)
	if path := answer.Request.URL.Path; strings.HasPrefix(path, "/at/") {
		b.at = "/at/" + strings.Split(path, "/")[2]
	}
	return answer, body
}

// mustLaunch is launch for one that must succeed.
func (b *browser) mustLaunch(m ltitest.Message) string {
	b.t.Helper()
	answer, body := b.launch(m)
	if answer.StatusCode != http.StatusOK {
		b.t.Fatalf("launch: %s at %s\n%s", answer.Status, answer.Request.URL, body)
	}
	return body
}

func read(t *testing.T, answer *http.Response) string {
	t.Helper()
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// do asks for a path below the last launch's address.
func (b *browser) do(method, path string, form url.Values, header ...string) (*http.Response, string) {
	b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+b.at+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer, read(b.t, answer)
}

func (b *browser) get(path string) (*http.Response, string) { return b.do(http.MethodGet, path, nil) }

// api posts JSON as the tutorial's page does.
func (b *browser) api(path string, in any) (int, map[string]any) {
	b.t.Helper()
	data, err := json.Marshal(in)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+b.at+path, strings.NewReader(string(data)))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	answer, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	out := map[string]any{}
	if err := json.Unmarshal([]byte(read(b.t, answer)), &out); err != nil {
		b.t.Fatal(err)
	}
	return answer.StatusCode, out
}

// until polls a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for: %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

var attemptNumber int

// work does the check of a tutorial in the launch's own guest.
func (b *browser) work(tutorial, check string) {
	b.t.Helper()
	api := "/api/courses/linux/" + tutorial
	if status, guest := b.api(api+"/guest/start", nil); status != http.StatusAccepted {
		b.t.Fatalf("start: %d %v", status, guest)
	}
	until(b.t, "a guest", func() bool {
		attemptNumber++
		status, _ := b.api(api+"/checks/"+check, map[string]string{"attempt": fmt.Sprintf("00000000-0000-4000-8000-%012d", attemptNumber)})
		return status == http.StatusAccepted
	})
}

// shown polls for what the platform's gradebook shows of a person.
func (b *bed) shown(who string, want float64) {
	b.t.Helper()
	until(b.t, fmt.Sprintf("%s's grade %v in the platform", who, want), func() bool {
		got := b.lms.Cell(b.one.ID, b.people[who].ID).Shown
		return got != nil && *got == want
	})
}
