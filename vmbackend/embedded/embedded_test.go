package embedded

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestPlaceWritesOnceAndWhole(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	content := []byte("#!/bin/sh\nexit 0\n")
	var wg sync.WaitGroup
	paths := make([]string, 8)
	for i := range paths {
		wg.Go(func() {
			path, err := Place(dir, "tool", content, 0o755)
			if err != nil {
				t.Error(err)
			}
			paths[i] = path
		})
	}
	wg.Wait()
	for _, path := range paths {
		if path != paths[0] {
			t.Fatalf("the same content went to %s and %s", paths[0], path)
		}
	}
	got, err := os.ReadFile(paths[0])
	if err != nil || string(got) != string(content) {
		t.Errorf("read %q, %v", got, err)
	}
	if info, err := os.Stat(paths[0]); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("mode %v, %v; want an executable", info.Mode(), err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files in the cache, want 1", len(entries))
	}
	other, err := Place(dir, "tool", []byte("new"), 0o755)
	if err != nil || other == paths[0] {
		t.Errorf("other content went to %s, %v", other, err)
	}
}

func TestMissingProgramSaysHowToMend(t *testing.T) {
	_, err := read("no-such-program", "guest agent")
	if err == nil || !strings.Contains(err.Error(), "run make") {
		t.Errorf("error %v does not say to run make", err)
	}
}
