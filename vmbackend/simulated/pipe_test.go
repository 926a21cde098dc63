package simulated

import (
	"net"
	"testing"

	"golang.org/x/net/nettest"
)

func TestPipeIsAConnection(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		a, b := newPipe()
		return a, b, func() { _ = a.Close(); _ = b.Close() }, nil
	})
}
