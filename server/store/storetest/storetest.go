// Package storetest gives tests a database of each kind: SQLite's in a file,
// and one of a real PostgreSQL that runs for the tests of one package alone.
package storetest

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Main runs the tests of a package that asks for databases of PostgreSQL, and
// ends its server afterwards: func TestMain(m *testing.M) { storetest.Main(m) }.
func Main(m *testing.M) {
	status := m.Run()
	only.Lock()
	defer only.Unlock()
	if only.server != nil {
		only.server.stop()
	}
	os.Exit(status)
}

// Each runs a test once on each kind of database; database is what
// store.Open takes, and nothing is in it yet.
func Each(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// SQLite names a file that is not there yet.
func SQLite(t testing.TB) string { return filepath.Join(t.TempDir(), "labmark.db") }

// only is the one server of this process.
var only struct {
	sync.Mutex
	server *Server
	err    error
	made   int // databases
}

// Postgres makes a database and returns its URL. Where there are no programs
// of PostgreSQL the test is skipped, and says how to get them.
func Postgres(t testing.TB) string {
	t.Helper()
	only.Lock()
	defer only.Unlock()
	if only.server == nil && only.err == nil {
		only.server, only.err = Start()
	}
	if only.err != nil {
		if os.Getenv("CI") == "" && programs() == "" {
			t.Skip(only.err)
		}
		t.Fatal(only.err)
	}
	only.made++
	name := fmt.Sprintf("test%d", only.made)
	if err := only.server.Create(name); err != nil {
		t.Fatal(err)
	}
	return only.server.URL(name)
}

// URL is what store.Open takes for a database of this server.
func (s *Server) URL(database string) string {
	return "postgres:///" + database + "?" + url.Values{"host": {s.dir}, "user": {superuser}}.Encode()
}
