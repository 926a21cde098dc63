package libvirttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/labmark/labmark/vmbackend/libvirt/daemon"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// TLS is a node with an address of its own whose libvirtd listens there. Only
// root can have one; others' tests are skipped.
func TLS(tb testing.TB) *Node {
	tb.Helper()
	ns := newNamespace(tb)
	ca := NewCA(tb)
	cert, key := ca.Sign(tb, "node", ns.address)
	n := newNode(tb, daemon.Options{
		Listen: &daemon.TLS{Address: ns.address, CA: ca.PEM, Cert: cert, Key: key},
	}, ns)
	pki := filepath.Join(n.root, "pki")
	ca.Client(tb, pki)
	n.Endpoint = wire.Endpoint{URI: fmt.Sprintf("qemu+tls://%s/session", ns.address), PKI: pki, Calls: 32}
	return n
}

// CA signs certificates for one test.
type CA struct {
	PEM  []byte
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewCA makes a certificate authority.
func NewCA(tb testing.TB) *CA {
	tb.Helper()
	template := certificate("Labmark's test CA")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	ca := &CA{cert: template}
	var err error
	if ca.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		tb.Fatal(err)
	}
	ca.PEM = ca.sign(tb, template, ca.key)
	return ca
}

// Sign makes a certificate and its key, both PEM, for client or server. The
// address may be empty.
func (ca *CA) Sign(tb testing.TB, name, address string) (cert, key []byte) {
	tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	template := certificate(name)
	// libvirt wants KeyEncipherment for servers, whatever the key.
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	if address != "" {
		template.IPAddresses = []net.IP{net.ParseIP(address)}
	}
	return ca.sign(tb, template, private), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

// Client writes what wire.Endpoint.PKI wants into a folder.
func (ca *CA) Client(tb testing.TB, folder string) {
	tb.Helper()
	cert, key := ca.Sign(tb, "gateway", "")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		tb.Fatal(err)
	}
	for name, content := range map[string][]byte{"cacert.pem": ca.PEM, "clientcert.pem": cert, "clientkey.pem": key} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
}

func certificate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
}

func (ca *CA) sign(tb testing.TB, template *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
