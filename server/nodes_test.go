package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/lti/ltitest"
	"github.com/labmark/labmark/server/login"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/nodes"
	"github.com/labmark/labmark/vmbackend/simulated"
)

// mustServeNodes is a whole server whose guests are on simulated nodes.
func mustServeNodes(t *testing.T, names ...string) *bed {
	t.Helper()
	course, _ := content.Load(files)
	dir, err := os.MkdirTemp("", "lm")
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(filepath.Join(dir, "labmark.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		n := store.Node{Name: name, URI: "qemu+ssh://labmark@" + name + "/session?socket=/run/secret", Wanted: "up", Capacity: 7}
		if err := db.AddNode(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	for _, u := range []store.User{{Login: "root", Name: "Max Admin", Admin: true}, {Login: "ann", Name: "Ann"}} {
		u.PasswordHash = login.Hash("open sesame")
		if err := db.AddUser(t.Context(), &u); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	public, _ := url.Parse("http://" + l.Addr().String())
	b := &bed{t: t, url: public.String()}
	b.Server, err = New(t.Context(), Config{DataDir: dir, Courses: []*content.Course{course}, PublicURL: public, Pool: 1,
		Image: func(string) (string, error) { return "sha256:" + strings.Repeat("a", 64), nil },
		OpenNode: func(n nodes.Node) (vmbackend.Backend, error) {
			return simulated.New(simulated.Options{Dir: filepath.Join(dir, n.Name)})
		},
		Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
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
	return b
}

// signedIn is somebody's browser, by password.
func (b *bed) signedIn(name string) *browser {
	b.t.Helper()
	who := &browser{bed: b, http: &http.Client{Jar: ltitest.NewJar(), Timeout: patience}}
	answer, body := who.do(http.MethodPost, "/login", url.Values{"login": {name}, "password": {"open sesame"}})
	if answer.StatusCode != http.StatusOK || answer.Request.URL.Path != "/" {
		b.t.Fatalf("sign in as %s: %s at %s\n%s", name, answer.Status, answer.Request.URL, body)
	}
	return who
}

func TestAdministratorSeesAndOrdersNodes(t *testing.T) {
	b := mustServeNodes(t, "anvil", "bellows")
	root, ann := b.signedIn("root"), b.signedIn("ann")
	for _, path := range []string{"/admin/nodes", "/admin/nodes/anvil/drain"} {
		method := http.MethodGet
		if strings.HasSuffix(path, "drain") {
			method = http.MethodPost
		}
		if answer, _ := ann.do(method, path, nil); answer.StatusCode != http.StatusNotFound {
			t.Errorf("a student asked for %s: %s", path, answer.Status)
		}
	}
	page := func() string { _, body := root.get("/admin/nodes"); return body }
	until(t, "both nodes to be up", func() bool { return strings.Count(page(), `data-state="pass"`) == 2 })
	body := page()
	for _, want := range []string{"labmark@anvil/<wbr>session", "of 7", `action="/admin/nodes/bellows/isolate"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(body, "secret") {
		t.Error("the page shows what an address has after its ?")
	}
	// The course's fresh guest waits on one of them; it stays there.
	until(t, "a guest on a node", func() bool { return strings.Contains(page(), ">1 of 7<") })
	for _, name := range []string{"anvil", "bellows"} {
		if answer, _ := root.do(http.MethodPost, "/admin/nodes/"+name+"/drain", url.Values{}); answer.StatusCode != http.StatusOK {
			t.Errorf("drain: %s", answer.Status)
		}
	}
	until(t, "both nodes to drain", func() bool { return strings.Count(page(), "up, draining") == 2 })
	if body := page(); !strings.Contains(body, "by Max Admin") || !strings.Contains(body, `action="/admin/nodes/anvil/back"`) {
		t.Error("the page does not say who drained the nodes, or how to use them again")
	}
	if answer, _ := root.do(http.MethodPost, "/admin/nodes/nowhere/drain", url.Values{}); answer.StatusCode != http.StatusNotFound {
		t.Errorf("draining a node that is not there: %s", answer.Status)
	}
	// A lost node's student works on elsewhere.
	root.do(http.MethodPost, "/admin/nodes/anvil/back", url.Values{})
	root.do(http.MethodPost, "/admin/nodes/bellows/back", url.Values{})
	ann.work("one", "first")
	db := b.store
	where := func() (id, node string) {
		rows, err := db.Guests(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if _, owned := r.Owner(); owned && r.Mode == store.Assigned {
				return r.ID, r.Node
			}
		}
		return "", ""
	}
	before, on := where()
	if on == "" {
		t.Fatal("nobody knows where the student's guest is")
	}
	root.do(http.MethodPost, "/admin/nodes/"+on+"/isolate", url.Values{})
	until(t, "another guest", func() bool {
		id, node := where()
		return id != "" && id != before && node != on
	})
	ann.work("one", "first")
	until(t, "the old guest to be removed", func() bool {
		n, err := db.GuestsByNode(t.Context())
		return err == nil && n[on] == 0
	})
}

func TestNoNodeCanBeOpened(t *testing.T) {
	course, _ := content.Load(files)
	_, err := New(t.Context(), Config{DataDir: t.TempDir(), Courses: []*content.Course{course}, PublicURL: &url.URL{},
		OpenNode: func(n nodes.Node) (vmbackend.Backend, error) {
			if n.URI != LocalURI {
				t.Errorf("without nodes %s was opened", n.URI)
			}
			return nil, errors.New("no kernel is installed")
		}, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err == nil || !strings.Contains(err.Error(), "no kernel is installed") {
		t.Errorf("got %v, want what is missing", err)
	}
}
