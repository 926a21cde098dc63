// Package storetest gives tests a database of each kind: SQLite's in a file,
// and one of a real PostgreSQL that runs for the tests of one package alone.
package storetest

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Main runs the tests of a package that asks for databases of PostgreSQL, and
// ends its server afterwards. prepare brings the schema into one database, of
// which the tests get copies: that is much faster.
func Main(m *testing.M, prepare func(database string) error) {
	only.prepare = prepare
	status := m.Run()
	only.Lock()
	defer only.Unlock()
	if only.server != nil {
		only.server.Stop()
	}
	os.Exit(status)
}

// Each runs a test once on each kind of database; database is what
// store.Open takes, and has no rows yet.
func Each(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// SQLite names a file that is not there yet.
func SQLite(t testing.TB) string { return filepath.Join(t.TempDir(), "labmark.db") }

// only is the one server of this process.
var only struct {
	sync.Mutex
	prepare func(database string) error
	server  *Server
	err     error
	made    int // databases
}

func begin() (*Server, error) {
	s, err := Start()
	if err != nil || only.prepare == nil {
		return s, err
	}
	if err := errors.Join(s.Create(prepared), only.prepare(s.URL(prepared))); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// prepared is the database with the schema.
const prepared = "prepared"

// Postgres makes a database with the schema and returns its URL. Where there
// are no programs of PostgreSQL the test is skipped, and says how to get them.
func Postgres(t testing.TB) string {
	t.Helper()
	return database(t, " TEMPLATE "+prepared)
}

// Empty is like Postgres, without the schema.
func Empty(t testing.TB) string {
	t.Helper()
	return database(t, "")
}

func database(t testing.TB, from string) string {
	t.Helper()
	only.Lock()
	defer only.Unlock()
	if only.server == nil && only.err == nil {
		only.server, only.err = begin()
	}
	if only.err != nil {
		if os.Getenv("CI") == "" && programs() == "" {
			t.Skip(only.err)
		}
		t.Fatal(only.err)
	}
	only.made++
	name := fmt.Sprintf("test%d", only.made)
	if err := only.server.Create(name + from); err != nil {
		t.Fatal(err)
	}
	return only.server.URL(name)
}

// URL is what store.Open takes for a database of this server.
func (s *Server) URL(database string) string {
	return "postgres:///" + database + "?" + url.Values{"host": {s.dir}, "user": {superuser}}.Encode()
}
