package wire

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Endpoint says where a node is and how it is known to be the right one.
type Endpoint struct {
	// URI is one of those in the package comment. "?socket=PATH" names
	// libvirtd's socket on the node where it is not the usual one.
	URI string
	// HostKey is the one key that the node may show, in the form of
	// authorized_keys. SSH needs it; see ScanHostKey.
	HostKey string
	// Identity is a file with our private key, for SSH.
	Identity string
	// PKI is a folder with cacert.pem, clientcert.pem and clientkey.pem, for TLS.
	PKI string
	// Calls may be under way at once; 0 takes 4. A libvirtd stops reading from
	// a client with more than its max_client_requests, which is 5 if not set.
	Calls int
}

// Transport is the way to a node.
type Transport int

const (
	Local Transport = iota
	SSH
	TLS
)

func (t Transport) String() string { return [...]string{"local", "ssh", "tls"}[t] }

// target is an endpoint taken apart.
type target struct {
	transport Transport
	host      string // without port
	address   string // host:port
	user      string
	mode      string // system or session
	socket    string // empty for the usual one
}

// open is the name under which libvirtd is asked for its driver.
func (t target) open() string { return "qemu:///" + t.mode }

func parse(uri string) (target, error) {
	var t target
	u, err := url.Parse(uri)
	if err != nil {
		return t, fmt.Errorf("the node's address: %w", err)
	}
	t.mode = strings.TrimPrefix(u.Path, "/")
	if t.mode != "system" && t.mode != "session" {
		return t, fmt.Errorf("the node's address %s must end in /system or /session", uri)
	}
	port := ""
	switch u.Scheme {
	case "qemu", "qemu+unix":
		t.transport = Local
	case "qemu+ssh":
		t.transport, port = SSH, "22"
	case "qemu+tls":
		t.transport, port = TLS, "16514"
	default:
		return t, fmt.Errorf("the node's address %s must begin with qemu:///, qemu+ssh:// or qemu+tls://", uri)
	}
	for name := range u.Query() {
		if name != "socket" {
			return t, fmt.Errorf("the node's address %s: the parameter %s is not known, only socket is", uri, name)
		}
	}
	t.socket = u.Query().Get("socket")
	if t.socket != "" && (!filepath.IsAbs(t.socket) || t.transport == TLS) {
		return t, fmt.Errorf("the node's address %s: socket must be an absolute path, and not with TLS", uri)
	}
	t.host, t.user = u.Hostname(), u.User.Username()
	if (t.host == "") != (t.transport == Local) {
		return t, fmt.Errorf("the node's address %s: a host belongs to qemu+ssh:// and qemu+tls://, and only there", uri)
	}
	if t.transport == SSH && t.user == "" {
		return t, fmt.Errorf("the node's address %s names no user, as in qemu+ssh://labmark@%s/%s", uri, u.Host, t.mode)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	t.address = net.JoinHostPort(t.host, port)
	return t, nil
}

// usualSockets are where libvirtd listens on the machine that env is of. The
// second one is that of newer systems with a daemon for each driver.
func (t target) usualSockets(runtimeDir string) []string {
	if t.socket != "" {
		return []string{t.socket}
	}
	folder := "/run/libvirt"
	if t.mode == "session" {
		folder = filepath.Join(runtimeDir, "libvirt")
	}
	return []string{filepath.Join(folder, "libvirt-sock"), filepath.Join(folder, "virtqemud-sock")}
}

// ownRuntimeDir is where our own session's sockets are.
func ownRuntimeDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return dir
	}
	return fmt.Sprintf("/run/user/%d", os.Getuid())
}
