package main

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"testing"

	"github.com/labmark/labmark/lti/ltitest"
	"github.com/labmark/labmark/server/store"
)

// A demo leaves a platform behind at which anybody could be anybody, as soon
// as something else answers on its port.
func TestOnlyThePretendPlatformThatRunsIsTrusted(t *testing.T) {
	s, log := &Settings{DataDir: t.TempDir()}, slog.New(slog.DiscardHandler)
	begin := func(port int) {
		t.Helper()
		at := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
		if err := introduce(t.Context(), pretend(ltitest.Moodle, at, log), "http://"+at.String(), "http://127.0.0.1:8080", s, nil, log); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want map[string]string) {
		t.Helper()
		db, err := s.openStore()
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		all, err := db.Platforms(t.Context(), "")
		if err != nil || len(all) != len(want) {
			t.Fatalf("platforms are %+v, %v", all, err)
		}
		for _, p := range all {
			if p.State != want[p.Issuer] {
				t.Errorf("%s is %s, want %s", p.Issuer, p.State, want[p.Issuer])
			}
		}
	}
	addReal(t, s)
	const real, first, second = "https://moodle.example.edu", "http://127.0.0.1:8081", "http://127.0.0.1:8091"
	begin(8081)
	expect(map[string]string{real: store.PlatformActive, first: store.PlatformActive})
	begin(8091)
	expect(map[string]string{real: store.PlatformActive, first: store.PlatformDisabled, second: store.PlatformActive})
	begin(8081)
	expect(map[string]string{real: store.PlatformActive, first: store.PlatformActive, second: store.PlatformDisabled})
	if err := distrustDemo(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	expect(map[string]string{real: store.PlatformActive, first: store.PlatformDisabled, second: store.PlatformDisabled})
}

func addReal(t *testing.T, s *Settings) {
	t.Helper()
	db, err := store.Open(filepath.Join(s.DataDir, "labmark.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.AddPlatform(context.Background(), &store.Platform{Name: "Real", Issuer: "https://moodle.example.edu", ClientID: demoClient, State: store.PlatformActive})
	if err != nil {
		t.Fatal(err)
	}
}
