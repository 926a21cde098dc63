package agent

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
)

// Forward connects to a port of this very machine. Where else the guest may
// reach is for its own programs to try, as who they are.
func (a *Agent) Forward(ctx context.Context, _, host string, port int) (net.Conn, error) {
	name, _ := os.Hostname()
	if strings.EqualFold(host, "localhost") || name != "" && strings.EqualFold(host, name) {
		host = "127.0.0.1"
	}
	ip := net.ParseIP(host)
	if ip == nil || !ip.IsLoopback() && !isOwn(ip) {
		return nil, errors.New("only ports of your own machine are forwarded: name it localhost")
	}
	conn, err := dial(ctx, ip, port)
	if err != nil && host == "127.0.0.1" {
		// What listens on ::1 alone is called localhost, too.
		if six, err := dial(ctx, net.IPv6loopback, port); err == nil {
			return six, nil
		}
	}
	return conn, err
}

func dial(ctx context.Context, ip net.IP, port int) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(ip.String(), strconv.Itoa(port)))
}

// isOwn says whether an address is one of this machine's.
func isOwn(ip net.IP) bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
			return true
		}
	}
	return false
}
