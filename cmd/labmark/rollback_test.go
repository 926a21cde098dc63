package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/store"
)

func TestRollback(t *testing.T) {
	d := patient(t)
	dir := d.settings.DataDir
	if _, err := labmark(t, dir, "rollback", "--yes"); err == nil || !strings.Contains(err.Error(), "no copy from before an upgrade") {
		t.Errorf("with nothing to go back to: %v", err)
	}
	// A newer version has come, and somebody has joined since.
	name := store.In(dir, "")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d.put(t, filepath.Join(dir, "before-9999-future.db"), string(text))
	change(t, d, "INSERT INTO migrations VALUES ('9999-future')")
	change(t, d, "INSERT INTO users (login, name, password_hash, created_at) VALUES ('late', 'Late', 'x', '2026-01-01')")
	if _, err := labmark(t, dir, "user", "list"); err == nil || !strings.Contains(err.Error(), "labmark rollback") {
		t.Errorf("the former version took the newer one's database: %v", err)
	}

	if _, err := labmark(t, dir, "rollback"); err == nil || !strings.Contains(err.Error(), "--yes") {
		t.Errorf("without a word from anybody: %v", err)
	}
	unlock, err := server.LockData(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := labmark(t, dir, "rollback", "--yes"); err == nil || !strings.Contains(err.Error(), "another labmark") {
		t.Errorf("under a running gateway: %v", err)
	}
	unlock()
	out, err := labmark(t, dir, "rollback", "--yes")
	if err != nil || !strings.Contains(out, "undone-") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := labmark(t, dir, "user", "list"); err != nil || strings.Contains(out, "late") {
		t.Errorf("afterwards: %v\n%s", err, out)
	}
}
