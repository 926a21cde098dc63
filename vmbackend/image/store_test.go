package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/labmark/labmark/vmbackend"
)

func newStore(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put stores content as an image of the recipe's name, as a build does.
func put(t *testing.T, s *Store, name, content string) Image {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(disk, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	i, err := keep(t.Context(), s, &Recipe{Name: name, Disk: "16M"}, kernel{}, disk, newMeter(nil))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestImagesAreNamedByTheirContent(t *testing.T) {
	s := newStore(t)
	i := put(t, s, "mine", "content")
	sum := sha256.Sum256([]byte("content"))
	if want := "sha256:" + hex.EncodeToString(sum[:]); i.Digest != want {
		t.Errorf("the digest is %s, want %s", i.Digest, want)
	}
	if text, err := os.ReadFile(i.Path); err != nil || string(text) != "content" {
		t.Errorf("the file holds %q, error %v", text, err)
	}
	if info, err := os.Stat(i.Path); err != nil || info.Mode().Perm() != 0o444 {
		t.Errorf("the file's mode is %v, error %v; images are read-only", info.Mode(), err)
	}
}

func TestNameMeansTheNewestBuild(t *testing.T) {
	s := newStore(t)
	old, other := put(t, s, "mine", "old"), put(t, s, "other", "else")
	now := put(t, s, "mine", "new")
	for what, want := range map[string]Image{"mine": now, "other": other, old.Digest: old, now.Digest: now} {
		if got, err := s.Resolve(what); err != nil || got != want {
			t.Errorf("%s means %+v, error %v; want %+v", what, got, err, want)
		}
	}
	if got, err := s.ByDigest(old.Digest); err != nil || got != old {
		t.Errorf("the old build is gone: %+v, %v", got, err)
	}
	back := put(t, s, "mine", "old")
	if got, err := s.Resolve("mine"); err != nil || got.Digest != back.Digest {
		t.Errorf("after building the old content again the name means %+v, %v", got, err)
	}
}

// User-Mode Linux looks at the time stamp of a guest's base: a build that
// gives the same content must not touch the file.
func TestSameContentIsNotTouched(t *testing.T) {
	s := newStore(t)
	i := put(t, s, "mine", "same")
	before, err := os.Stat(i.Path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "twin", "same")
	put(t, s, "mine", "same")
	after, err := os.Stat(i.Path)
	if err != nil || !after.ModTime().Equal(before.ModTime()) || !os.SameFile(before, after) {
		t.Errorf("the file was replaced or touched, error %v", err)
	}
	if err := s.Remove("twin"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(i.Path); err != nil {
		t.Errorf("removing one name took the other's content: %v", err)
	}
}

func TestMissingImageSaysHowToBuildIt(t *testing.T) {
	s := newStore(t)
	for _, what := range []string{"debian-12", "sha256:" + strings.Repeat("0", 64)} {
		_, err := s.Resolve(what)
		if !errors.Is(err, vmbackend.ErrNoImage) || !strings.Contains(err.Error(), "labmark image build") || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: got %v, want ErrNoImage with the mend", what, err)
		}
	}
	i := put(t, s, "mine", "x")
	if err := os.Remove(i.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Resolve("mine"); !errors.Is(err, vmbackend.ErrNoImage) {
		t.Errorf("an image whose file was deleted: got %v, want ErrNoImage", err)
	}
}

func TestRemoveAndPrune(t *testing.T) {
	s := newStore(t)
	used, unused := put(t, s, "mine", "1"), put(t, s, "mine", "2")
	now := put(t, s, "mine", "3")
	gone, err := s.Prune(func(digest string) bool { return digest == used.Digest })
	if err != nil || len(gone) != 1 || gone[0].Digest != unused.Digest {
		t.Errorf("pruned %v, error %v; want only the unused old one", gone, err)
	}
	if _, err := os.Stat(unused.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its file is still there: %v", err)
	}
	if list, err := s.List(); err != nil || len(list) != 2 || list[0].Digest != now.Digest {
		t.Errorf("left are %v, error %v", list, err)
	}
	if err := s.Remove("mine"); err != nil {
		t.Error(err)
	}
	if err := s.Remove("mine"); !errors.Is(err, vmbackend.ErrNoImage) {
		t.Errorf("removing it again: %v", err)
	}
}

// Two stores over one folder stand for two processes.
func TestStoresShareAFolder(t *testing.T) {
	a := newStore(t)
	b, err := Open(a.Dir())
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 10 {
		for n, s := range []*Store{a, b} {
			all.Go(func() { put(t, s, fmt.Sprintf("image-%d", i), fmt.Sprintf("%d %d", i, n)) })
		}
	}
	all.Wait()
	list, err := a.List()
	if err != nil || len(list) != 20 {
		t.Errorf("of 20 images %d are in the index, error %v", len(list), err)
	}
	left, err := filepath.Glob(filepath.Join(a.Dir(), "*.tmp"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestWaitingForALockEndsWithTheContext(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	unlock, err := lockFile(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lockFile(ctx, name); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	unlock()
	again, err := lockFile(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestDamagedIndexIsReported(t *testing.T) {
	s := newStore(t)
	put(t, s, "mine", "x")
	name := filepath.Join(s.Dir(), "index.json")
	if err := os.WriteFile(name, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.List(); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

func TestCopyKeepsContentAndHoles(t *testing.T) {
	dir := t.TempDir()
	in, err := os.Create(filepath.Join(dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	const size = 64<<20 + 12345 // not a multiple of any block
	if err := in.Truncate(size); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{0, 5 << 20, 5<<20 + 65535, size - 3} {
		if _, err := in.WriteAt([]byte("abc"), at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := in.WriteAt(make([]byte, 8<<20), 20<<20); err != nil { // zeros on disk
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	last := 0.0
	digest, err := copySparse(t.Context(), out, in, func(share float64) {
		if share < last || share > 1 {
			t.Errorf("progress went from %f to %f", last, share)
		}
		last = share
	})
	if err != nil {
		t.Fatal(err)
	}
	want, err1 := os.ReadFile(in.Name())
	got, err2 := os.ReadFile(out.Name())
	if err := errors.Join(err1, err2); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the copy differs, error %v", err)
	}
	sum := sha256.Sum256(want)
	if digest != "sha256:"+hex.EncodeToString(sum[:]) {
		t.Errorf("the digest %s is not that of the content", digest)
	}
	if takes := occupiedBytes(out); takes > 1<<20 {
		t.Errorf("the copy takes %d bytes on disk", takes)
	}
}

func TestDefaultDirFollowsTheCache(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/somewhere")
	if got := DefaultDir(); got != "/somewhere/labmark/images" {
		t.Errorf("got %s", got)
	}
}
