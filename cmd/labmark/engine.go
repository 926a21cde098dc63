package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/mirror"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/libvirt/daemon"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
	"github.com/labmark/labmark/vmbackend/nodes"
	"github.com/labmark/labmark/vmbackend/uml"
)

// engine opens the backends of nodes.
type engine struct {
	settings  *Settings
	images    *image.Store
	kernel    string // of User-Mode Linux guests; empty for the best one
	maxGuests int    // on this machine, by User-Mode Linux
	log       *slog.Logger
	// visiting leaves all guests to the server that may look after them.
	visiting bool
	// life is how long libvirtds of our own are kept running.
	life context.Context

	mu    sync.Mutex
	owned *daemon.Daemon // serves sessionURI
}

// sessionURI is the address of a libvirtd that Labmark starts and keeps itself.
const sessionURI = "qemu:///session"

// open is what nodes.Config.Open asks for.
func (e *engine) open(n nodes.Node) (vmbackend.Backend, error) {
	if n.URI == server.LocalURI {
		return uml.New(uml.Config{Dir: filepath.Join(e.settings.DataDir, e.umlDir()), Images: e.images, Kernel: e.kernel,
			MaxGuests: e.maxGuests, Mirror: mirror.Socket(e.settings.DataDir), Log: e.log})
	}
	return e.openLibvirt(n)
}

// umlDir is the folder of User-Mode Linux guests. A visitor has one of its own:
// no two may work in the same.
func (e *engine) umlDir() string {
	if e.visiting {
		return "uml-visit"
	}
	return "uml"
}

// endpoint is how a node with libvirt is reached. The libvirtd of sessionURI is
// started if it does not run, and kept running.
func (e *engine) endpoint(n nodes.Node) (wire.Endpoint, error) {
	out := wire.Endpoint{URI: n.URI, HostKey: n.HostKey, Identity: n.Identity, PKI: n.PKI}
	if n.URI != sessionURI {
		return out, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.owned == nil {
		d, err := daemon.Start(e.life, daemon.Options{Dir: e.settings.sessionDir(), Log: e.log})
		if err != nil {
			return out, err
		}
		e.owned = d
		go d.Keep(e.life)
	}
	out.URI = e.owned.URI()
	return out, nil
}

// sessionDir holds the libvirtd of sessionURI and its guests. Root's runs as
// another user, who may not look into the data folder.
func (s *Settings) sessionDir() string {
	if os.Geteuid() == 0 {
		return s.dataDir() + "-libvirt"
	}
	return filepath.Join(s.dataDir(), "libvirt")
}

// dataDir is the data folder for those who work in another folder.
func (s *Settings) dataDir() string {
	dir, err := filepath.Abs(s.DataDir)
	if err != nil { // the working folder was removed
		return s.DataDir
	}
	return dir
}

// remotePool is where guests' disks are on nodes unless the node says otherwise.
const remotePool = "/var/lib/labmark/pool"

// pool is the folder of a node for guests' disks.
func (e *engine) pool(n nodes.Node) string {
	switch {
	case n.Pool != "":
		return n.Pool
	case n.URI == sessionURI:
		return filepath.Join(e.settings.sessionDir(), "pool")
	}
	return remotePool
}

// identity is the gateway's own key for SSH to nodes, made when it is missing,
// and what a node must know of it.
func (s *Settings) identity() (file, public string, err error) {
	file = filepath.Join(s.dataDir(), "node-key")
	public, err = ownKey(file)
	if err != nil {
		return "", "", fmt.Errorf("the gateway's key for nodes: %w", err)
	}
	return file, public, nil
}
