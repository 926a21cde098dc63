package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// index is the content of index.json.
type index struct {
	Images []Image `json:"images"`
}

// read returns the index without a lock: it is replaced whole, so a reader
// sees it before or after a change, never between.
func (s *Store) read() ([]Image, error) {
	name := filepath.Join(s.dir, "index.json")
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var x index
	if err := json.Unmarshal(text, &x); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w): move it away and build the images again", name, err)
	}
	for i := range x.Images {
		x.Images[i].Path = s.path(x.Images[i])
	}
	return x.Images, nil
}

// change edits the index while no other process does. The steps in before run
// under the lock ahead of the edit, so that the index never names a file that
// is not there; after runs under it when the edit is on disk.
func (s *Store) change(edit func([]Image) []Image, after func(left []Image) error, before ...func() error) error {
	unlock, err := lockFile(context.Background(), filepath.Join(s.dir, "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	images, err := s.read()
	if err != nil {
		return err
	}
	for _, step := range before {
		if err := step(); err != nil {
			return err
		}
	}
	left := edit(images)
	if err := s.write(left); err != nil {
		return err
	}
	if after == nil {
		return nil
	}
	return after(left)
}

// write replaces the index in one step.
func (s *Store) write(images []Image) error {
	text, err := json.MarshalIndent(index{Images: images}, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, "index-*.tmp")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(s.dir, "index.json"))
}

// lockFile takes an exclusive lock that ends with the process. It asks again
// and again, because a blocking flock would not notice the context's end.
func lockFile(ctx context.Context, name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("wait for %s, held by another labmark: %w", name, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
