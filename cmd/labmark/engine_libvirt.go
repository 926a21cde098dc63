package main

import (
	"github.com/labmark/labmark/server/mirror"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
	"github.com/labmark/labmark/vmbackend/nodes"
)

// enough guests for any node: the cluster, which knows when a node's capacity
// is changed, is what bounds them.
const enough = 1_000_000

// openLibvirt opens a node with libvirt.
func (e *engine) openLibvirt(n nodes.Node) (vmbackend.Backend, error) {
	endpoint, err := e.endpoint(n)
	if err != nil {
		return nil, err
	}
	conn, err := wire.New(endpoint, e.log)
	if err != nil {
		return nil, err
	}
	b, err := libvirt.New(libvirt.Config{Conn: conn, Pool: e.pool(n), Images: e.images, MaxGuests: enough,
		Visit: e.visiting, Mirror: mirror.Socket(e.settings.DataDir), Log: e.log.With("node", n.Name)})
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return b, nil
}
