package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestMentionedFiles has prose that is about includes beside real ones.
func TestMentionedFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "tutorials/parts"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tutorials/parts/a.md"), []byte("A\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "To include a file write file=\ninclude file=}\n:::include {file=\"parts/a.md\"}\n:::\n:::include {file=parts/gone.md}\n:::\ninclude file="
	if got := mentionedFiles(dir, "tutorials/t.md", []byte(text)); !slices.Equal(got, []string{"tutorials/parts/a.md"}) {
		t.Errorf("the text includes %v", got)
	}
}
