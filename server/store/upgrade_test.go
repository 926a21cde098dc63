package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// oldDatabase is one that only some steps of the history were taken in, with a
// user in it.
func oldDatabase(t *testing.T, steps int) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "labmark.db")
	s, err := connect(name)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(s.upToDate(steps),
		s.db.Exec("INSERT INTO users (login, password_hash, created_at) VALUES ('ann', 'x', ?)", time.Now()).Error, s.Close())
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAnUpgradeCanBeRolledBack(t *testing.T) {
	name := oldDatabase(t, 3)
	if _, err := FormerCopy(t.Context(), name); !errors.Is(err, ErrNoCopy) {
		t.Errorf("before any upgrade: %v", err)
	}
	s := mustOpen(t, name)
	if _, err := s.UserByLogin(t.Context(), "ann"); err != nil {
		t.Fatalf("after the upgrade: %v", err)
	}
	mustUser(t, s, "bob")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_ = mustOpen(t, name).Close() // nothing to upgrade: no further copy
	copies, err := Copies(name)
	if err != nil || len(copies) != 1 {
		t.Fatalf("copies: %v, %v", copies, err)
	}
	if info, err := os.Stat(copies[0].File); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy, which holds the installation's keys: %v, %v", info.Mode(), err)
	}

	c, err := FormerCopy(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := Rollback(name, c)
	if err != nil {
		t.Fatal(err)
	}
	if got := logins(t, name); got != "ann" {
		t.Errorf("after the rollback there are %s", got)
	}
	if got := logins(t, kept); got != "ann bob" {
		t.Errorf("what was rolled back holds %s", got)
	}
	if schema, err := schemaOf(t.Context(), name); err != nil || len(schema.Taken) != 3 {
		t.Errorf("after the rollback the schema is %v, %v", schema.Taken, err)
	}
	if _, err := FormerCopy(t.Context(), name); !errors.Is(err, ErrNoCopy) {
		t.Errorf("rolled back, the same copy is offered again: %v", err)
	}
	mustOpen(t, name) // and forward again
}

func logins(t *testing.T, name string) string {
	t.Helper()
	s, err := Look(name)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var all []string
	if err := s.db.Table("users").Order("login").Pluck("login", &all).Error; err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestAnOlderProgramLeavesANewerSchemaAlone(t *testing.T) {
	name := oldDatabase(t, len(history))
	s, err := connect(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.db.Exec("INSERT INTO migrations (id) VALUES ('9999-future')").Error, s.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = Open(name)
	if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "9999-future") || !strings.Contains(err.Error(), "labmark rollback") {
		t.Errorf("got %v", err)
	}
}

func TestThreeCopiesAreKept(t *testing.T) {
	name := oldDatabase(t, 3)
	for i, old := range []string{"a", "b", "c"} {
		file := filepath.Join(filepath.Dir(name), "before-"+old+".db")
		at := time.Now().Add(time.Duration(i-10) * time.Hour)
		if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	mustOpen(t, name)
	var left []string
	copies, err := Copies(name)
	for _, c := range copies {
		left = append(left, filepath.Base(c.File))
	}
	want := "before-" + history[len(history)-1].ID + ".db before-c.db before-b.db"
	if got := strings.Join(left, " "); err != nil || got != want {
		t.Errorf("%s are left (%v), not %s", got, err, want)
	}
}

func TestALookChangesNothing(t *testing.T) {
	name := oldDatabase(t, 3)
	list := func() string { files, _ := filepath.Glob(name + "*"); return strings.Join(files, " ") }
	before := list()
	s, err := Look(name)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := s.Schema(t.Context())
	if err != nil || len(schema.Taken) != 3 || len(schema.Missing) != len(history)-3 || len(schema.Unknown) != 0 {
		t.Errorf("schema %+v, %v", schema, err)
	}
	if damage, err := s.Damage(t.Context()); err != nil || len(damage) != 0 {
		t.Errorf("damage %v, %v", damage, err)
	}
	if err := s.db.Exec("DELETE FROM users").Error; err == nil {
		t.Error("a look has removed everybody")
	}
	s.Close()
	if after := list(); after != before {
		t.Errorf("there were %s, and now %s", before, after)
	}
	if _, err := Look(name + "-not-there"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
