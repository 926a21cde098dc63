package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// completeWay checks how a node is reached, and fills in what can be known. For
// a node by SSH without a host key it fails, and says which key the node shows;
// again is the command to repeat with it.
func (s *Settings) completeWay(ctx context.Context, n *store.Node, again string) error {
	if n.URI == server.LocalURI {
		return nil
	}
	u, err := url.Parse(n.URI)
	if err != nil || !slices.Contains([]string{"qemu", "qemu+unix", "qemu+ssh", "qemu+tls"}, u.Scheme) {
		return fmt.Errorf("%q is no address of a node: take uml:, qemu:///session, qemu:///system, "+
			"qemu+ssh://USER@HOST/system or qemu+tls://HOST/system", n.URI)
	}
	if _, hidden := u.User.Password(); hidden {
		return fmt.Errorf("the address of a node holds no password: let the gateway's key in there, see docs/nodes.md")
	}
	switch u.Scheme {
	case "qemu+ssh":
		if err := s.completeSSH(ctx, n, u, again); err != nil {
			return err
		}
	case "qemu+tls":
		if n.PKI == "" {
			return fmt.Errorf("say by --pki which folder holds %s for %s", strings.Join(pkiFiles, ", "), n.URI)
		}
	}
	return checkWay(*n)
}

// pkiFiles are what a folder of certificates must hold.
var pkiFiles = []string{"cacert.pem", "clientcert.pem", "clientkey.pem"}

// checkWay says what is wrong with the address and the files beside it.
func checkWay(n store.Node) error {
	if n.URI == sessionURI {
		return nil
	}
	if n.Pool != "" && !filepath.IsAbs(n.Pool) {
		return fmt.Errorf("--pool %s: give an absolute path on the node", n.Pool)
	}
	conn, err := wire.New(wire.Endpoint{URI: n.URI, HostKey: n.HostKey, Identity: n.Identity, PKI: n.PKI}, quiet)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (s *Settings) completeSSH(ctx context.Context, n *store.Node, u *url.URL, again string) error {
	public := ""
	if n.Identity == "" {
		file, line, err := s.identity()
		if err != nil {
			return err
		}
		n.Identity, public = file, line
	} else if _, err := os.Stat(n.Identity); err != nil {
		return fmt.Errorf("--identity: %w", err)
	}
	if n.HostKey != "" {
		return nil
	}
	shown, err := wire.ScanHostKey(ctx, sshAddress(u))
	if err != nil {
		return fmt.Errorf("the node must be asked for its host key first: %w; or give it by --host-key", err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(shown))
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s shows the host key %s. Compare it with what this says on the node itself:\n"+
		"  ssh-keygen -lf /etc/ssh/ssh_host_%s_key.pub\nIf it is the same, repeat the command with it:\n  %s --host-key %q",
		u.Hostname(), ssh.FingerprintSHA256(key), strings.TrimPrefix(strings.TrimPrefix(key.Type(), "ssh-"), "ecdsa-sha2-"), again, shown)
	if public != "" {
		text += fmt.Sprintf("\nThe node must let this gateway in: there, put this line into ~%s/.ssh/authorized_keys:\n  %s", u.User.Username(), public)
	}
	return fmt.Errorf("%s", text)
}

// sshAddress is where a node's SSH server answers.
func sshAddress(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "22"
	}
	return net.JoinHostPort(u.Hostname(), port)
}
