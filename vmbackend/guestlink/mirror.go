package guestlink

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"
)

// mirrorPatience bounds how long the gateway's proxy may take to be dialled.
const mirrorPatience = 10 * time.Second

// ToMirror returns what Options.Accept is for a guest whose course opens a
// package mirror: each stream is carried to the gateway's proxy, which listens
// at a unix socket. The first line that the proxy reads is the guest's name,
// as the host knows it; nothing that the guest sends comes before it.
func ToMirror(socket, guest string) func(net.Conn) {
	return func(stream net.Conn) {
		proxy, err := dialMirror(socket)
		if err != nil {
			_, _ = io.WriteString(stream, mirrorAway)
			return
		}
		defer proxy.Close()
		if _, err := fmt.Fprintln(proxy, guest); err != nil {
			return
		}
		// Either side's end is the end of both.
		go func() {
			defer proxy.Close()
			_, _ = io.Copy(proxy, stream)
		}()
		_, _ = io.Copy(stream, proxy)
	}
}

// mirrorAway is what a program in the guest reads when no gateway runs.
const mirrorAway = "HTTP/1.1 503 The gateway's package mirror does not answer, try again in a minute\r\n" +
	"Connection: close\r\nContent-Length: 0\r\n\r\n"

// dialMirror dials a socket however long its path is: an address holds only
// 107 bytes.
func dialMirror(socket string) (net.Conn, error) {
	dir, err := os.Open(filepath.Dir(socket))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	path := fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(socket))
	return net.DialTimeout("unix", path, mirrorPatience)
}
