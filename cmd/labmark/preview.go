package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"

	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/mirror"
	"github.com/labmark/labmark/server/preview"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/uml"
)

type previewCmd struct {
	Course   string   `arg:"" help:"Folder of a course." type:"existingdir"`
	Listen   string   `help:"Address of this machine to answer on." default:"127.0.0.1:8090" placeholder:"HOST:PORT"`
	Editor   string   `help:"Address by which your editor opens a place, with %f for the file, %l for the line, %c for the column, as vscode://file/%f:%l:%c; otherwise a click copies FILE:LINE." placeholder:"URL"`
	NoGuests bool     `help:"Show the pages without machines."`
	Kernel   string   `help:"Kernel of guests, as for labmark serve." placeholder:"FILE"`
	Mirror   []string `help:"Package mirror for guests, as for labmark serve." sep:"none" placeholder:"URL"`
}

func (c *previewCmd) Run(ctx context.Context, s *Settings, log *slog.Logger, out io.Writer) error {
	course, err := preview.Open(c.Course, c.Editor)
	if err != nil {
		return err
	}
	l, err := listenHere(c.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	cfg := server.Config{DataDir: s.previewDir(c.Course), Courses: course.Courses(), Preview: course, Pool: 1,
		PublicURL: &url.URL{Scheme: "http", Host: shown(l.Addr())}, Log: log}
	unlock, err := server.LockData(cfg.DataDir)
	if err != nil {
		return fmt.Errorf("a preview of this course runs already: %w", err)
	}
	defer unlock()
	if cfg.Mirrors, err = mirrors(ctx, c.Mirror); err != nil {
		return err
	}
	if err := c.guests(&cfg, s, log); err != nil {
		return err
	}
	srv, err := server.New(ctx, cfg)
	if err != nil {
		return err
	}
	defer srv.Close()
	// An author who is done wants nothing to go on running.
	defer destroyAll(cfg.Backend)
	fmt.Fprintf(out, "The preview of %s is on http://%s\n", c.Course, shown(l.Addr()))
	return srv.Serve(ctx, l)
}

// listenHere refuses addresses that others could reach: nobody signs in.
func listenHere(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w (take another by --listen)", address, err)
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		l.Close()
		return nil, fmt.Errorf("listen on %s: a preview shows solutions to whoever opens it: take an address of this machine alone, as 127.0.0.1:8090", address)
	}
	return l, nil
}

// previewDir is kept for each course folder.
func (s *Settings) previewDir(course string) string {
	if abs, err := filepath.Abs(course); err == nil {
		course = abs
	}
	sum := sha256.Sum256([]byte(course))
	return filepath.Join(s.dataDir(), "preview", hex.EncodeToString(sum[:4]))
}

func (c *previewCmd) guests(cfg *server.Config, s *Settings, log *slog.Logger) error {
	if c.NoGuests {
		cfg.Backend, cfg.Image = noGuests{}, func(string) (string, error) { return "", errNoGuests }
		cfg.Pool = 0
		return nil
	}
	images, err := image.Open(s.ImageDir)
	if err != nil {
		return err
	}
	cfg.Image = func(name string) (string, error) {
		i, err := images.Resolve(name)
		return i.Digest, err
	}
	cfg.Backend, err = uml.New(uml.Config{Dir: filepath.Join(cfg.DataDir, "uml"), Images: images, Kernel: c.Kernel,
		Mirror: mirror.Socket(cfg.DataDir), Log: log})
	if err != nil {
		return fmt.Errorf("%w\n(--no-guests shows the pages without machines)", err)
	}
	return nil
}

// errNoGuests is how machines fail that were not wanted.
var errNoGuests = fmt.Errorf("the preview was started without machines: %w", vmbackend.ErrNoImage)

// noGuests is a backend that has none.
type noGuests struct{}

func (noGuests) Create(context.Context, vmbackend.Spec) error { return errNoGuests }
func (noGuests) Start(context.Context, string) error          { return vmbackend.ErrNoGuest }
func (noGuests) Dial(context.Context, string) (net.Conn, error) {
	return nil, vmbackend.ErrNoGuest
}
func (noGuests) Stop(context.Context, string) error              { return nil }
func (noGuests) Destroy(context.Context, string) error           { return nil }
func (noGuests) List(context.Context) ([]vmbackend.Guest, error) { return nil, nil }
func (noGuests) Stats(context.Context, string) (vmbackend.Stats, error) {
	return vmbackend.Stats{}, vmbackend.ErrNoGuest
}
func (noGuests) Watch(ctx context.Context) <-chan vmbackend.Event {
	ch := make(chan vmbackend.Event)
	context.AfterFunc(ctx, func() { close(ch) })
	return ch
}
func (noGuests) Close() error { return nil }
