package e2e

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/libvirt"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
)

// TestDesktopImage uses the desktop of the built-in image as a student does,
// by mouse, keys and clipboard. The image takes ten minutes and a gigabyte.
func TestDesktopImage(t *testing.T) {
	if os.Getenv("LABMARK_TEST_DESKTOP") == "" {
		t.Skip("the image debian-12-desktop is large: set LABMARK_TEST_DESKTOP=1 to build and try it")
	}
	g := startDesktop(t)
	g.use(t, g.view(t))
}

// use does what a student does.
func (g *desktop) use(t *testing.T, v *rfbViewer) {
	t.Helper()
	const settled = 24 // colours: the task bar alone has more
	libvirttest.Until(t, "the desktop to be drawn", func() bool { return v.colours(t) > settled })

	v.resize(t, 1008, 672)
	libvirttest.Until(t, "the screen to follow the window's size", func() bool {
		return strings.Contains(g.run(t, "DISPLAY=:0 XAUTHORITY=/run/labmark-xauth xrandr"), "current 1008 x 672")
	})
	v.click(t, 97, 656) // the terminal's button on the task bar
	libvirttest.Until(t, "a terminal", func() bool { return strings.Contains(g.run(t, "pgrep -x -u student xterm; true"), "\n") })

	// Only keys without Shift, which this viewer would have to hold.
	again(t, "keys to arrive", func() { v.typeLine(t, "cp /etc/hostname by-keys") },
		func() bool { return g.said(t, "by-keys") == "lab" })
	again(t, "the clipboard to arrive", func() {
		v.copyOut(t, "echo pasted > by-clipboard")
		v.press(t, keyShift, keyInsert)
		v.typeLine(t, "")
	}, func() bool { return g.said(t, "by-clipboard") == "pasted" })
}

// again does something every few seconds until it has worked: what comes
// before a window has the focus is lost.
func again(t *testing.T, what string, do func(), done func() bool) {
	t.Helper()
	var last time.Time
	libvirttest.Until(t, what, func() bool {
		if time.Since(last) > 10*time.Second {
			do()
			last = time.Now()
		}
		return done()
	})
}

// desktop is a running guest of the image.
type desktop struct {
	backend *libvirt.Backend
	spec    vmbackend.Spec
	root    *ssh.Client
}

func startDesktop(t *testing.T) *desktop {
	t.Helper()
	store, err := image.Open(os.Getenv("LABMARK_TEST_IMAGE_DIR"))
	if err != nil {
		t.Fatal(err)
	}
	recipe, err := image.Builtin("debian-12-desktop")
	if err != nil {
		t.Fatal(err)
	}
	built, err := image.Ensure(t.Context(), recipe, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	node := libvirttest.Local(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	backend, err := libvirt.New(libvirt.Config{Conn: node.Connect(), Pool: filepath.Join(node.Dir, "pool"), Images: store,
		StartTimeout: 5 * time.Minute, NoTemplates: true, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	private, public, err := guestssh.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	g := &desktop{backend: backend, spec: vmbackend.Spec{ID: "desk", Image: built.Digest, Memory: 384 << 20, Hostname: "lab", Desktop: true,
		HostKey: private, AuthorizedKey: ssh.MarshalAuthorizedKey(public)}}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	if err := backend.Create(ctx, g.spec); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := backend.Destroy(context.Background(), g.spec.ID); err != nil {
			t.Error(err)
		}
		_ = backend.Close()
	})
	if err := backend.Start(ctx, g.spec.ID); err != nil {
		t.Fatal(err)
	}
	if g.root, err = guestssh.Connect(ctx, backend, g.spec.ID, "root", public, key); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.root.Close() })
	return g
}

// run runs a command in the guest as root.
func (g *desktop) run(t *testing.T, command string) string {
	t.Helper()
	s, err := g.root.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var out bytes.Buffer
	s.Stdout, s.Stderr = &out, &out
	if err := s.Run(command); err != nil {
		return fmt.Sprintf("%s%v", &out, err) // X may not be there yet
	}
	return out.String()
}

// said reads a file of student's; empty if there is none.
func (g *desktop) said(t *testing.T, file string) string {
	t.Helper()
	return strings.TrimSpace(g.run(t, "cat /home/student/"+file+" 2>/dev/null; true"))
}

// view opens the screen.
func (g *desktop) view(t *testing.T) *rfbViewer {
	t.Helper()
	screens, able := any(g.backend).(vmbackend.Desktop)
	if !able {
		t.Fatal("the libvirt backend shows no screens")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := screens.DialDesktop(ctx, g.spec.ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return newViewer(t, conn)
}
