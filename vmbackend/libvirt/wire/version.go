package wire

import (
	"context"

	"github.com/digitalocean/go-libvirt"
)

// Version asks libvirtd which it is: 1,000,000 times the first number, 1,000
// times the second, and the third (virConnectGetLibVersion).
func (c *Conn) Version(ctx context.Context) (uint64, error) {
	return Ask(ctx, c, "ask for its version", (*libvirt.Libvirt).ConnectGetLibVersion)
}
