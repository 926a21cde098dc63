package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

var quiet = slog.New(slog.DiscardHandler)

type nodeTestCmd struct{ oneNode }

func (c *nodeTestCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	n, err := s.node(ctx, c.Name)
	if err != nil {
		return err
	}
	all := s.testNode(ctx, n)
	bad := 0
	for _, f := range all {
		mark := map[vmbackend.Level]string{vmbackend.Good: "ok   ", vmbackend.Fair: "fair ", vmbackend.Bad: "WRONG"}[f.Level]
		fmt.Fprintf(out, "%s  %s: %s\n", mark, f.Subject, printable(f.Text))
		if f.Mend != "" {
			fmt.Fprintf(out, "       → %s\n", printable(f.Mend))
		}
		if f.Level == vmbackend.Bad {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("%s: guests can't run there: %d of %d findings are bad", n.Name, bad, len(all))
	}
	return nil
}

// testNode walks the whole way to a node.
func (s *Settings) testNode(ctx context.Context, n store.Node) []vmbackend.Finding {
	all := approach(ctx, n)
	if !endsBad(all) && n.URI != server.LocalURI {
		all = append(all, s.connect(ctx, n))
	}
	if !endsBad(all) {
		all = append(all, s.examine(ctx, n)...)
	}
	return all
}

// printable is what a node has said without what would command a terminal.
func printable(said string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, said)
}

func endsBad(all []vmbackend.Finding) bool {
	return len(all) > 0 && all[len(all)-1].Level == vmbackend.Bad
}

// approachPatience bounds one step of the way to a node.
const approachPatience = 5 * time.Second

// approach walks the way to a remote node as far as can be told before there is
// a connection to its libvirtd. It ends at the first thing that is wrong.
func approach(ctx context.Context, n store.Node) []vmbackend.Finding {
	u, err := url.Parse(n.URI)
	if err != nil {
		return []vmbackend.Finding{wrong("address", err, "labmark node set "+n.Name+" --uri URI")}
	}
	var steps []func(context.Context, store.Node, *url.URL) vmbackend.Finding
	switch u.Scheme {
	case "qemu+ssh":
		steps = append(steps, findHost, reachSSH, compareHostKey)
	case "qemu+tls":
		steps = append(steps, findHost, readCertificates, reachTLS)
	}
	var out []vmbackend.Finding
	for _, step := range steps {
		ctx, cancel := context.WithTimeout(ctx, approachPatience)
		f := step(ctx, n, u)
		cancel()
		if out = append(out, f); f.Level == vmbackend.Bad {
			break
		}
	}
	return out
}

func wrong(subject string, err error, mend string) vmbackend.Finding {
	return vmbackend.Finding{Subject: subject, Level: vmbackend.Bad, Text: err.Error(), Mend: mend}
}

func fine(subject, format string, args ...any) vmbackend.Finding {
	return vmbackend.Finding{Subject: subject, Level: vmbackend.Good, Text: fmt.Sprintf(format, args...)}
}

func findHost(ctx context.Context, _ store.Node, u *url.URL) vmbackend.Finding {
	found, err := net.DefaultResolver.LookupHost(ctx, u.Hostname())
	if err != nil {
		return wrong("name", err, "write the name as the node is called in the DNS or in /etc/hosts, or give its address")
	}
	return fine("name", "%s is %s", u.Hostname(), found[0])
}

func reachSSH(ctx context.Context, _ store.Node, u *url.URL) vmbackend.Finding {
	return reach(ctx, sshAddress(u), "apt-get install openssh-server; systemctl start ssh")
}

// reach dials a port; start is how its server is started on the node.
func reach(ctx context.Context, address, start string) vmbackend.Finding {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return wrong("network", err, "the node is there, but nobody listens: on the node, "+start)
	case err != nil:
		return wrong("network", err, "see whether the node runs, and whether a firewall on the way lets "+address+" through")
	}
	conn.Close()
	return fine("network", "%s takes connections", address)
}

func compareHostKey(ctx context.Context, n store.Node, u *url.URL) vmbackend.Finding {
	shown, err := wire.ScanHostKey(ctx, sshAddress(u))
	if err != nil {
		return wrong("host key", err, "something else than an SSH server answers there: look at the port")
	}
	if !sameKey(shown, n.HostKey) {
		return wrong("host key", fmt.Errorf("the node shows %s, not the key that is known", shown),
			fmt.Sprintf("either somebody is in between, or the node was set up anew; only if you know that it was: labmark node set %s --host-key %q", n.Name, shown))
	}
	if _, err := os.Stat(n.Identity); err != nil {
		return wrong("own key", err, "labmark node set "+n.Name+" --identity FILE")
	}
	return fine("host key", "it is the known one")
}

func readCertificates(_ context.Context, n store.Node, _ *url.URL) vmbackend.Finding {
	const mend = "put cacert.pem, clientcert.pem and clientkey.pem into the folder that --pki names; docs/nodes.md tells how they are made"
	if _, err := clientTLS(n); err != nil {
		return wrong("certificates", err, mend)
	}
	return fine("certificates", "those in %s can be read", n.PKI)
}

func clientTLS(n store.Node) (*tls.Config, error) {
	own, err := tls.LoadX509KeyPair(filepath.Join(n.PKI, "clientcert.pem"), filepath.Join(n.PKI, "clientkey.pem"))
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(filepath.Join(n.PKI, "cacert.pem"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate", filepath.Join(n.PKI, "cacert.pem"))
	}
	return &tls.Config{Certificates: []tls.Certificate{own}, RootCAs: pool}, nil
}

func reachTLS(ctx context.Context, n store.Node, u *url.URL) vmbackend.Finding {
	port := u.Port()
	if port == "" {
		port = "16514"
	}
	address := net.JoinHostPort(u.Hostname(), port)
	if f := reach(ctx, address, "systemctl start libvirtd-tls.socket"); f.Level == vmbackend.Bad {
		return f
	}
	config, err := clientTLS(n)
	if err != nil {
		return wrong("certificates", err, "")
	}
	config.ServerName = u.Hostname()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	var verify *tls.CertificateVerificationError
	switch {
	case errors.As(err, &verify):
		return wrong("certificate", err, "the node's certificate must be signed by the authority in cacert.pem and name "+u.Hostname())
	case err != nil:
		return wrong("certificate", err, "see what libvirtd says on the node: journalctl -u libvirtd")
	}
	defer conn.Close()
	// Whoever is refused hears of it after the handshake; libvirtd says one byte
	// to those whom it lets in.
	deadline, _ := ctx.Deadline()
	_ = conn.SetReadDeadline(deadline)
	if n, err := conn.Read(make([]byte, 1)); n != 1 {
		return wrong("certificate", fmt.Errorf("libvirtd refuses ours: %w", err),
			"clientcert.pem must be signed by the authority that the node trusts, and be allowed by tls_allowed_dn_list there")
	}
	return fine("certificate", "the node's is right, and ours is taken")
}
