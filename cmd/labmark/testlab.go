package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/internal/proof"
	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/mirror"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/uml"
)

// lab opens guests of this command's own, beside those of any server.
func (c *testCmd) lab(ctx context.Context, s *Settings, chosen []*content.Tutorial) (proof.Lab, func(), error) {
	images, err := image.Open(s.ImageDir)
	if err != nil {
		return nil, nil, err
	}
	digests, err := c.images(ctx, images, chosen)
	if err != nil {
		return nil, nil, err
	}
	sweepLabs(images)
	// A socket's path must be short, so the folder is not below the data folder.
	dir, err := os.MkdirTemp("", labFolder)
	if err != nil {
		return nil, nil, err
	}
	unlock, err := server.LockData(dir)
	if err != nil {
		return nil, nil, err
	}
	stop, err := c.packages(ctx, dir)
	if err != nil {
		_ = os.RemoveAll(dir)
		unlock()
		return nil, nil, err
	}
	backend, err := uml.New(uml.Config{Dir: guestFolder(dir), Images: images, Kernel: c.Kernel, Mirror: mirror.Socket(dir), Log: quiet})
	if err != nil {
		stop()
		_ = os.RemoveAll(dir)
		unlock()
		return nil, nil, err
	}
	lab := &proof.Guests{Backend: backend, Digest: func(name string) (string, error) { return digests[name], nil }}
	return lab, func() {
		destroyAll(backend)
		_ = backend.Close()
		stop()
		_ = os.RemoveAll(dir)
		unlock()
	}, nil
}

// labFolder begins the names of folders in which labs are, and guestFolder is
// where the guests are in one.
const labFolder = "lmtest"

func guestFolder(dir string) string { return filepath.Join(dir, "g") }

// labAge is how old a lab's folder is before it is surely locked by its owner.
const labAge = time.Minute

// sweepLabs ends the guests of runs that were killed: guests outlive whoever
// started them.
func sweepLabs(images *image.Store) {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), labFolder+"*")) // the pattern is fine
	for _, dir := range dirs {
		if !abandoned(dir) {
			continue
		}
		unlock, err := server.LockData(dir)
		if err != nil {
			continue // somebody works there, or it is another user's
		}
		if backend, err := uml.New(uml.Config{Dir: guestFolder(dir), Images: images, Log: quiet}); err == nil {
			destroyAll(backend)
			_ = backend.Close()
		}
		_ = os.RemoveAll(dir)
		unlock()
	}
}

// abandoned says whether a folder may be that of a run of ours which was killed.
// Others can make folders beside it, too.
func abandoned(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || time.Since(info.ModTime()) < labAge {
		return false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	_, err = os.Stat(filepath.Join(dir, "lock"))
	return ok && int(owner.Uid) == os.Geteuid() && err == nil
}

// destroyAll leaves no guest behind that an interruption has left.
func destroyAll(b vmbackend.Backend) {
	ctx, cancel := context.WithTimeout(context.Background(), vmbackend.DefaultTimeout)
	defer cancel()
	left, _ := b.List(ctx) // what can't be listed can't be destroyed
	for _, g := range left {
		_ = b.Destroy(ctx, g.ID)
	}
}

// packages starts the proxy for guests that install software.
func (c *testCmd) packages(ctx context.Context, dir string) (stop func(), err error) {
	targets, err := mirrors(ctx, c.Mirror)
	if err != nil {
		return nil, err
	}
	proxy, err := mirror.New(mirror.Config{Targets: targets, Log: quiet})
	if err != nil {
		return nil, err
	}
	listener, err := mirror.Listen(mirror.Socket(dir))
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := proxy.Serve(running, listener); err != nil {
			slog.Error("guests reach no packages", "err", err)
		}
	}()
	return func() { cancel(); <-done }, nil
}

// images finds the digests of all images that tutorials ask for, by name.
func (c *testCmd) images(ctx context.Context, store *image.Store, chosen []*content.Tutorial) (map[string]string, error) {
	digests := map[string]string{}
	var all error
	for _, t := range chosen {
		for _, g := range t.Guests {
			if _, ok := digests[g.Image]; ok {
				continue
			}
			digest, err := c.image(ctx, store, g.Image)
			digests[g.Image] = digest
			all = errors.Join(all, err)
		}
	}
	return digests, all
}

func (c *testCmd) image(ctx context.Context, store *image.Store, name string) (string, error) {
	word := name
	file := filepath.Join(c.Course, "images", name+".yaml")
	if _, err := os.Stat(file); err == nil {
		word = file
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if c.Build {
		recipe, err := findRecipe(word)
		if err != nil {
			return "", err
		}
		bar := newMeter("image " + recipe.Name)
		built, err := image.Ensure(ctx, recipe, store, func(p image.Progress) { bar.show(p.Fraction, p.Phase) })
		bar.done()
		return built.Digest, err
	}
	found, err := store.Resolve(name)
	if errors.Is(err, vmbackend.ErrNoImage) {
		return "", fmt.Errorf("there is no image %s: build it by labmark image build %s, or let labmark test do it by --build", name, word)
	}
	return found.Digest, err
}
