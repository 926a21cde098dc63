package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
)

// tlsWay reaches libvirtd by TLS, and nothing else on the node.
type tlsWay struct {
	target target
	pki    string
}

func newTLS(t target, e Endpoint) (tlsWay, error) {
	w := tlsWay{t, e.PKI}
	_, err := w.config()
	return w, err
}

func (w tlsWay) close() {}

// config is read anew for each connection: certificates are renewed.
func (w tlsWay) config() (*tls.Config, error) {
	const mend = "; the folder needs cacert.pem, clientcert.pem and clientkey.pem"
	ca, err := os.ReadFile(filepath.Join(w.pki, "cacert.pem"))
	if err != nil {
		return nil, fmt.Errorf("certificates for TLS: %w%s", err, mend)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("certificates for TLS: %s holds no certificate", filepath.Join(w.pki, "cacert.pem"))
	}
	own, err := tls.LoadX509KeyPair(filepath.Join(w.pki, "clientcert.pem"), filepath.Join(w.pki, "clientkey.pem"))
	if err != nil {
		return nil, fmt.Errorf("certificates for TLS: %w%s", err, mend)
	}
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}, ServerName: w.target.host, MinVersion: tls.VersionTLS12}, nil
}

func (w tlsWay) libvirt(ctx context.Context) (net.Conn, error) {
	config, err := w.config()
	if err != nil {
		return nil, err
	}
	raw, err := dialTCP(ctx, w.target.address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	conn := tls.Client(raw, config)
	err = w.greet(ctx, conn)
	if !stop() || err != nil {
		_ = raw.Close()
		return nil, errors.Join(err, ctx.Err())
	}
	return conn, nil
}

// greet shakes hands. libvirtd says with one byte that it takes the client's
// certificate; if not, it hangs up.
func (w tlsWay) greet(ctx context.Context, conn *tls.Conn) error {
	err := conn.HandshakeContext(ctx)
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("the node's certificate was not signed by %s: %w", filepath.Join(w.pki, "cacert.pem"), err)
	case errors.As(err, &name):
		return fmt.Errorf("the node's certificate is for another name; make one for %s: %w", w.target.host, err)
	case err != nil:
		return fmt.Errorf("TLS with the node: %w", err)
	}
	var greeting [1]byte
	_, err = io.ReadFull(conn, greeting[:])
	if err == nil && greeting[0] != 1 {
		err = errPacket
	}
	if err != nil {
		return fmt.Errorf("the node does not take our certificate %s; it must be signed by the CA that the node's "+
			"libvirtd has: %w", filepath.Join(w.pki, "clientcert.pem"), err)
	}
	return nil
}

func (w tlsWay) socket(context.Context, string) (net.Conn, error) {
	return nil, notOffered("no socket can be reached", "use a guest's channel, or qemu+ssh://")
}

func (w tlsWay) command(context.Context, io.Reader, string, []string) ([]byte, error) {
	return nil, notOffered("no command can be run", "use qemu+ssh://")
}
