package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// node finds a node, also the one that need not be in the database.
func (s *Settings) node(ctx context.Context, name string) (found store.Node, err error) {
	err = s.withStore(func(db *store.Store) error {
		all, err := server.Nodes(ctx, db)
		if err != nil {
			return err
		}
		for _, n := range all {
			if n.Name == name {
				found = n
				return nil
			}
		}
		return fmt.Errorf("there is no node %s: labmark node list shows all", name)
	})
	return found, err
}

// visit opens a node beside a server that may be running, for one command.
func (s *Settings) visit(ctx context.Context, n store.Node, do func(vmbackend.Backend) error) error {
	images, err := image.Open(s.ImageDir)
	if err != nil {
		return err
	}
	life, cancel := context.WithCancel(ctx)
	defer cancel()
	e := &engine{settings: s, images: images, log: quiet, life: life, visiting: true}
	defer e.clear(context.WithoutCancel(ctx))
	b, err := e.open(server.Wanted(n))
	if err != nil {
		return err
	}
	return errors.Join(do(b), b.Close())
}

// clear leaves nothing of a visit, unless a server needs it.
func (e *engine) clear(ctx context.Context) {
	_ = os.RemoveAll(filepath.Join(e.settings.DataDir, e.umlDir()))
	if e.owned == nil {
		return
	}
	free, err := server.LockData(e.settings.DataDir)
	if err != nil {
		return
	}
	free()
	ctx, cancel := context.WithTimeout(ctx, approachPatience)
	defer cancel()
	_ = e.owned.Stop(ctx) // the next server starts it again
}

// connectPatience bounds logging in to a node and asking its libvirtd.
const connectPatience = 10 * time.Second

// connect asks a node's libvirtd for a sign of life.
func (s *Settings) connect(ctx context.Context, n store.Node) vmbackend.Finding {
	life, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	e := &engine{settings: s, log: quiet, life: life, visiting: true}
	defer e.clear(context.WithoutCancel(ctx))
	endpoint, err := e.endpoint(server.Wanted(n))
	if err != nil {
		return wrong("libvirt", err, "")
	}
	conn, err := wire.New(endpoint, quiet)
	if err != nil {
		return wrong("libvirt", err, "")
	}
	defer conn.Close()
	version, err := conn.Version(life)
	if err != nil {
		return wrong("libvirt", err, "on the node: apt-get install --no-install-recommends libvirt-daemon-system qemu-system-x86 qemu-utils; systemctl start libvirtd.socket")
	}
	return fine("libvirt", "version %d.%d.%d answers", version/1_000_000, version/1000%1000, version%1000)
}

// examine asks the node itself.
func (s *Settings) examine(ctx context.Context, n store.Node) (out []vmbackend.Finding) {
	err := s.visit(ctx, n, func(b vmbackend.Backend) error {
		if h, ok := b.(vmbackend.Host); ok {
			out = h.Examine(ctx)
		}
		return nil
	})
	if err != nil {
		return []vmbackend.Finding{wrong("guests", err, "")}
	}
	return out
}

type nodePushCmd struct {
	oneNode
	Image string `arg:"" help:"Name or digest of an image that is here."`
}

func (c *nodePushCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	return s.push(ctx, c.Name, c.Image, out)
}

type imagePushCmd struct {
	Node  string `arg:"" help:"Which node, by the name that labmark node list shows."`
	Image string `arg:"" help:"Name or digest of an image that is here."`
}

func (c *imagePushCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	return s.push(ctx, c.Node, c.Image, out)
}

// push copies an image to a node.
func (s *Settings) push(ctx context.Context, node, name string, out io.Writer) error {
	n, err := s.node(ctx, node)
	if err != nil {
		return err
	}
	images, err := image.Open(s.ImageDir)
	if err != nil {
		return err
	}
	i, err := images.Resolve(name)
	if err != nil {
		return err
	}
	return s.visit(ctx, n, func(b vmbackend.Backend) error {
		holder, ok := b.(vmbackend.ImageHolder)
		if !ok {
			return fmt.Errorf("%s reads images from this machine's own store: there is nothing to copy", node)
		}
		bar := newMeter("image " + i.Name)
		err := holder.PutImage(ctx, i.Digest, func(share float64) { bar.show(share, "to "+node) })
		bar.done()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s has %s\n", node, i.Name)
		return nil
	})
}

// sameKey compares two lines of authorized_keys, whatever comments they have.
func sameKey(a, b string) bool {
	x, _, _, _, err1 := ssh.ParseAuthorizedKey([]byte(a))
	y, _, _, _, err2 := ssh.ParseAuthorizedKey([]byte(b))
	return err1 == nil && err2 == nil && bytes.Equal(x.Marshal(), y.Marshal())
}
