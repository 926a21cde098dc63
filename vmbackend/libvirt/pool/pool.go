// Package pool keeps a node's files for guests: a folder that libvirt knows as
// a storage pool of type dir. Everything goes through libvirt, so it does not
// matter where the node is.
package pool

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"path"
	"sync"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// Pool is one folder on one node.
type Pool struct {
	conn *wire.Conn
	dir  string
	name string

	// turn is held while the pool is looked for or made, which each waits for
	// no longer than its own context.
	turn chan struct{}

	mu     sync.Mutex
	handle libvirt.StoragePool
	found  bool
}

// New describes the pool; it is made on the node when it is first needed. dir
// is an absolute path there.
func New(conn *wire.Conn, dir string) *Pool {
	sum := sha256.Sum256([]byte(dir))
	return &Pool{conn: conn, dir: path.Clean(dir), name: "labmark-" + hex.EncodeToString(sum[:6]), turn: make(chan struct{}, 1)}
}

// Dir is the pool's folder on the node.
func (p *Pool) Dir() string { return p.dir }

// Path is a file's path on the node.
func (p *Pool) Path(file string) string { return path.Join(p.dir, file) }

// volume names a file for libvirt, which finds it by pool and name.
func (p *Pool) volume(file string) libvirt.StorageVol {
	return libvirt.StorageVol{Pool: p.name, Name: file, Key: p.Path(file)}
}

// Ensure finds the pool, or makes it: its folder too.
func (p *Pool) Ensure(ctx context.Context) (libvirt.StoragePool, error) {
	if handle, found := p.known(); found {
		return handle, nil
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return libvirt.StoragePool{}, fmt.Errorf("somebody else is setting up the pool %s: %w", p.dir, context.Cause(ctx))
	}
	if handle, found := p.known(); found {
		return handle, nil
	}
	handle, err := wire.Ask(ctx, p.conn, "set up the pool "+p.dir, p.setUp)
	if err != nil {
		return handle, fmt.Errorf("%w; the folder must be one that libvirtd's user may make or write to", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handle, p.found = handle, true
	return handle, nil
}

func (p *Pool) known() (libvirt.StoragePool, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.handle, p.found
}

type poolXML struct {
	XMLName struct{} `xml:"pool"`
	Type    string   `xml:"type,attr"`
	Name    string   `xml:"name"`
	Path    string   `xml:"target>path"`
	// Others pass through the folder, as QEMU's own user does, without a look.
	Mode string `xml:"target>permissions>mode"`
}

func (p *Pool) setUp(l *libvirt.Libvirt) (libvirt.StoragePool, error) {
	handle, err := l.StoragePoolLookupByName(p.name)
	if Is(err, libvirt.ErrNoStoragePool) {
		var text []byte
		text, err = xml.Marshal(poolXML{Type: "dir", Name: p.name, Path: p.dir, Mode: "0711"})
		if err == nil {
			handle, err = l.StoragePoolDefineXML(string(text), 0)
		}
		if err == nil {
			err = l.StoragePoolBuild(handle, 0)
		}
		if err == nil {
			err = l.StoragePoolSetAutostart(handle, 1)
		}
	}
	if err != nil {
		return handle, err
	}
	active, err := l.StoragePoolIsActive(handle)
	if err == nil && active == 0 {
		err = l.StoragePoolCreate(handle, 0)
		if active, _ := l.StoragePoolIsActive(handle); active != 0 {
			err = nil // another gateway was faster
		}
	}
	return handle, err
}

// Forget makes the next call look for the pool again.
func (p *Pool) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found = false
}

// ask runs f with the pool there, a second time if libvirt had lost it.
func ask[T any](ctx context.Context, p *Pool, what string, f func(*libvirt.Libvirt, libvirt.StoragePool) (T, error)) (T, error) {
	for again := false; ; again = true {
		handle, err := p.Ensure(ctx)
		if err != nil {
			var zero T
			return zero, fmt.Errorf("%s: %w", what, err)
		}
		value, err := wire.Ask(ctx, p.conn, what, func(l *libvirt.Libvirt) (T, error) { return f(l, handle) })
		if err == nil || again || !Is(err, libvirt.ErrNoStoragePool) && !Is(err, libvirt.ErrOperationInvalid) {
			return value, err
		}
		p.Forget()
	}
}

func (p *Pool) call(ctx context.Context, what string, f func(*libvirt.Libvirt, libvirt.StoragePool) error) error {
	_, err := ask(ctx, p, what, func(l *libvirt.Libvirt, h libvirt.StoragePool) (struct{}, error) {
		return struct{}{}, f(l, h)
	})
	return err
}

// Is says whether libvirt gave this error.
func Is(err error, number libvirt.ErrorNumber) bool {
	var e libvirt.Error
	return errors.As(err, &e) && e.Code == uint32(number)
}

// Free is the room for files in bytes, as libvirt saw it when it last looked.
func (p *Pool) Free(ctx context.Context) (int64, error) {
	return ask(ctx, p, "measure the pool", func(l *libvirt.Libvirt, h libvirt.StoragePool) (int64, error) {
		_, _, _, available, err := l.StoragePoolGetInfo(h)
		return int64(available), err
	})
}
