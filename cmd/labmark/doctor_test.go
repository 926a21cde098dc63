package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
)

const goodDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // of nothing

// patient is a sound installation on a machine that has all that is needed.
func patient(t *testing.T) *doctor {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	write("proc/meminfo", "MemTotal: 64000000 kB\nMemAvailable: 32000000 kB\n")
	write("proc/self/cgroup", "0::/system.slice/labmark.service\n")
	write("proc/sys/kernel/osrelease", "6.1.0-42-amd64\n")
	write("proc/sys/kernel/seccomp/actions_avail", "kill_process errno allow\n")
	write("images/index.json", `{"images":[{"name":"debian-12","digest":"`+goodDigest+`"}]}`)
	write("images/"+strings.Replace(goodDigest, ":", "-", 1)+".ext4", "")
	write("linux", "a kernel")
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(store.In(data, ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }))
	t.Cleanup(front.Close)
	return &doctor{
		settings: &Settings{DataDir: data, ImageDir: filepath.Join(dir, "images")},
		serve: &serveSettings{Courses: []string{"../../examples/passwords"}, Listen: "127.0.0.1:0", SSH: "127.0.0.1:0", Secure: true,
			PublicURL: front.URL, MaxGuests: 10, Kernel: filepath.Join(dir, "linux")},
		files: &configFiles{},
		host: host{proc: filepath.Join(dir, "proc"), cgroup: filepath.Join(dir, "cgroup"),
			namespaces:   func() error { return nil },
			synchronised: func() (bool, error) { return true, nil },
			openFiles:    func() (uint64, error) { return 65536, nil },
			room:         func(string) (int64, error) { return 100 << 30, nil }},
		now: time.Now, http: front.Client(),
	}
}

func TestDoctorFindsASoundInstallationGood(t *testing.T) {
	d := patient(t)
	d.examine(t.Context())
	if len(d.found) < 15 {
		t.Errorf("only %d things were looked at", len(d.found))
	}
	for _, f := range d.found {
		if f.Level != vmbackend.Good || f.Mend != "" {
			t.Errorf("%+v", f)
		}
	}
}

// change edits the patient's database behind the program's back.
func change(t *testing.T, d *doctor, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", store.In(d.settings.DataDir, ""))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), statement)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func (d *doctor) put(t *testing.T, name, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func occupied(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func deserted(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestDoctorFindsFaults(t *testing.T) {
	const good, fair, bad = vmbackend.Good, vmbackend.Fair, vmbackend.Bad
	for _, c := range []struct {
		fault          string
		inject         func(*testing.T, *doctor)
		level          vmbackend.Level
		about, subject string
		words          string // in what is seen or how to mend it
	}{
		{"settings that nobody can read", func(t *testing.T, d *doctor) {
			name := filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "labmark", "labmark.yaml")
			if err := errors.Join(os.Mkdir(filepath.Dir(name), 0o700), os.Symlink(name, name)); err != nil {
				t.Fatal(err)
			}
		}, bad, "settings", "labmark.yaml", "counts as missing"},
		{"a data folder that is none", func(t *testing.T, d *doctor) { d.settings.DataDir = d.serve.Kernel }, bad, "data folder", "folder", "is no folder"},
		{"no data folder yet", func(t *testing.T, d *doctor) { d.settings.DataDir += "-other" }, fair, "data folder", "folder", "not there yet"},
		{"a data folder for everybody", func(t *testing.T, d *doctor) { _ = os.Chmod(d.settings.DataDir, 0o755) }, fair, "data folder", "rights", "chmod 700"},
		{"little room", func(t *testing.T, d *doctor) { d.host.room = func(string) (int64, error) { return 1 << 30, nil } }, fair, "data folder", "room", "1024 MB"},
		{"no room", func(t *testing.T, d *doctor) { d.host.room = func(string) (int64, error) { return 1 << 20, nil } }, bad, "data folder", "room", "only 1 MB"},
		{"a damaged database", func(t *testing.T, d *doctor) {
			name := store.In(d.settings.DataDir, "")
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for i := 8192; i < len(text); i++ { // what follows the schema's first pages
				text[i] ^= 0xff
			}
			d.put(t, name, string(text))
		}, bad, "database", "", "restore"},
		{"no database at all", func(t *testing.T, d *doctor) { d.put(t, store.In(d.settings.DataDir, ""), "hello") }, bad, "database", "connection", "not a database"},
		{"a PostgreSQL that does not answer", func(t *testing.T, d *doctor) {
			d.settings.Database = "postgres://labmark:geheim@" + deserted(t) + "/labmark"
		}, bad, "database", "connection", "refused"},
		{"a newer schema", func(t *testing.T, d *doctor) { change(t, d, "INSERT INTO migrations VALUES ('9999-future')") }, bad, "database", "schema", "labmark rollback"},
		{"an older schema", func(t *testing.T, d *doctor) { change(t, d, "DELETE FROM migrations WHERE id > '0001-z'") }, fair, "database", "schema", "older labmark"},
		{"a course that is not there", func(t *testing.T, d *doctor) { d.serve.Courses = []string{"not-there"} }, bad, "courses", "not-there", "course.yaml"},
		{"a course with errors", func(t *testing.T, d *doctor) {
			d.serve.Courses = []string{t.TempDir()}
			d.put(t, filepath.Join(d.serve.Courses[0], "course.yaml"), "titel: X")
		}, bad, "courses", "", "labmark lint"},
		{"an image that is missing", func(t *testing.T, d *doctor) { d.settings.ImageDir = t.TempDir() }, bad, "courses", "image debian-12", "labmark image build debian-12"},
		{"an image that is damaged", func(t *testing.T, d *doctor) {
			d.put(t, filepath.Join(d.settings.ImageDir, strings.Replace(goodDigest, ":", "-", 1)+".ext4"), "x")
		}, bad, "courses", "image debian-12", "is damaged"},
		{"no kernel", func(t *testing.T, d *doctor) { d.serve.Kernel = "not-there" }, bad, "guests", "kernel", "user-mode-linux"},
		{"no user namespaces", func(t *testing.T, d *doctor) {
			d.host.namespaces = func() error { return os.ErrPermission }
			d.put(t, d.host.proc+"/sys/kernel/unprivileged_userns_clone", "0\n")
		}, bad, "guests", "namespaces", "sysctl kernel.unprivileged_userns_clone=1"},
		{"no ptrace", func(t *testing.T, d *doctor) { d.put(t, d.host.proc+"/sys/kernel/yama/ptrace_scope", "3\n") }, bad, "guests", "ptrace", "ptrace_scope=1"},
		{"no seccomp", func(t *testing.T, d *doctor) { _ = os.RemoveAll(d.host.proc + "/sys/kernel/seccomp") }, bad, "guests", "seccomp", "CONFIG_SECCOMP_FILTER"},
		{"little memory", func(t *testing.T, d *doctor) { d.put(t, d.host.proc+"/meminfo", "MemAvailable: 500000 kB\n") }, fair, "guests", "memory", "--max-guests 3"},
		{"a unit with little memory", func(t *testing.T, d *doctor) {
			d.put(t, d.host.cgroup+"/system.slice/labmark.service/memory.max", "67108864\n")
		}, bad, "guests", "memory", "64 MB are free"},
		{"a guest of nobody", func(t *testing.T, d *doctor) { d.put(t, d.settings.DataDir+"/uml/guests/g-old/guest.json", "{}") }, fair, "guests", "left", "g-old"},
		{"a node that is away", func(t *testing.T, d *doctor) {
			db, err := store.Open(store.In(d.settings.DataDir, ""))
			if err != nil {
				t.Fatal(err)
			}
			err = db.AddNode(t.Context(), store.Node{Name: "far", URI: "qemu+ssh://labmark@" + deserted(t) + "/system", Wanted: "up"})
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
		}, bad, "nodes", "far, network", "nobody listens"},
		{"a port that is taken", func(t *testing.T, d *doctor) { d.serve.Listen = occupied(t) }, bad, "network", "listen", "another program"},
		{"the port for SSH that is taken", func(t *testing.T, d *doctor) { d.serve.SSH = occupied(t) }, bad, "network", "ssh", "--ssh"},
		{"an address of another machine", func(t *testing.T, d *doctor) { d.serve.Listen = "192.0.2.1:80" }, bad, "network", "listen", "give this machine that address"},
		{"no public address", func(t *testing.T, d *doctor) { d.serve.PublicURL = "" }, fair, "network", "public-url", "--public-url"},
		{"a name that nobody knows", func(t *testing.T, d *doctor) { d.serve.PublicURL = "https://labs.invalid" }, bad, "network", "name", "DNS"},
		{"plain HTTP", func(t *testing.T, d *doctor) { d.serve.PublicURL = "http://labs.invalid" }, bad, "network", "public-url", "proxy with HTTPS"},
		{"cookies on plain HTTP", func(t *testing.T, d *doctor) { d.serve.Secure = false }, fair, "network", "secure", "--secure"},
		{"a proxy that leads elsewhere", func(t *testing.T, d *doctor) {
			lockData(t, d)
			front := httptest.NewServer(http.NotFoundHandler())
			t.Cleanup(front.Close)
			d.serve.PublicURL = front.URL
		}, bad, "network", "answer", "404"},
		{"a certificate that nobody trusts", func(t *testing.T, d *doctor) { d.http = &http.Client{} }, bad, "network", "certificate", "unknown authority"},
		{"a certificate that ends soon", func(t *testing.T, d *doctor) {
			d.now = func() time.Time { return time.Date(2084, 1, 28, 0, 0, 0, 0, time.UTC) }
		}, fair, "network", "certificate", "2084"},
		{"a clock that is late", func(t *testing.T, d *doctor) { d.now = func() time.Time { return time.Now().Add(-time.Hour) } }, bad, "network", "clock", "launches will be refused"},
		{"a platform that is away", func(t *testing.T, d *doctor) {
			addPlatform(t, d, "http://"+deserted(t))
		}, bad, "platforms", "Moodle, key set", "refused"},
		{"a grade that was refused", func(t *testing.T, d *doctor) {
			db, err := store.Open(store.In(d.settings.DataDir, ""))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			change(t, d, "INSERT INTO outbox (link_id, user_id, version, state, changed_at) VALUES (1, 1, 1, 'refused', '2026-01-01')")
		}, fair, "platforms", "grades", "refused 1 grade"},
		{"an old kernel", func(t *testing.T, d *doctor) { d.put(t, d.host.proc+"/sys/kernel/osrelease", "5.10.0-9-amd64\n") }, bad, "machine", "kernel", "5.12"},
		{"a clock that nobody sets", func(t *testing.T, d *doctor) {
			d.host.synchronised = func() (bool, error) { return false, nil }
		}, fair, "machine", "time", "timesyncd"},
		{"few open files", func(t *testing.T, d *doctor) { d.host.openFiles = func() (uint64, error) { return 256, nil } }, bad, "machine", "open files", "LimitNOFILE"},
		{"a gateway that runs", lockData, good, "data folder", "gateway", "running"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			d := patient(t)
			c.inject(t, d)
			d.examine(t.Context())
			for _, f := range d.found {
				if f.Level == c.level && f.About == c.about && strings.Contains(f.Subject, c.subject) && strings.Contains(f.Seen+" "+f.Mend, c.words) {
					if f.Level != good && f.Mend == "" {
						t.Errorf("it is not said how to mend it: %+v", f)
					}
					return
				}
			}
			t.Errorf("not found: %s, %s, %s, %q in %+v", c.level, c.about, c.subject, c.words, d.found)
		})
	}
}

func lockData(t *testing.T, d *doctor) {
	unlock, err := server.LockData(d.settings.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(unlock)
}

func addPlatform(t *testing.T, d *doctor, site string) {
	t.Helper()
	db, err := store.Open(store.In(d.settings.DataDir, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.AddPlatform(t.Context(), &store.Platform{Name: "Moodle", Issuer: site, ClientID: "x", AuthURL: site, TokenURL: site, KeysURL: site, State: store.PlatformActive})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDoctorTellsOfSettingsAsJSONAndFails(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	typo := filepath.Join(dir, "typo.yaml")
	if err := os.WriteFile(typo, []byte("pol: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := labmark(t, filepath.Join(dir, "data"), "doctor", "--format", "json", "--config", typo, "--listen", "127.0.0.1:0")
	if !errors.Is(err, errFindings) {
		t.Errorf("it ended with %v", err)
	}
	var found []diagnosis
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if f := found[0]; f.About != "settings" || f.Level != vmbackend.Bad || !strings.Contains(f.Seen, `no setting "pol"`) {
		t.Errorf("first of all: %+v", f)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("looking has made files: %v", left)
	}
}
