package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/labmark/labmark/vmbackend"
)

// network looks at the ports, and at the address that browsers use.
func (d *doctor) network(ctx context.Context) (out []vmbackend.Finding) {
	out = append(out, d.port(ctx, "listen", d.serve.Listen, d.isGateway))
	if d.serve.SSH != "" {
		out = append(out, d.port(ctx, "ssh", d.serve.SSH, isSSH))
	}
	return append(out, d.publicAddress(ctx)...)
}

// port says whether a server could listen there, or is the one that does.
func (d *doctor) port(ctx context.Context, subject, address string, ours func(context.Context, string) bool) vmbackend.Finding {
	l, err := net.Listen("tcp", address)
	if err == nil {
		l.Close()
		if d.running {
			return fair(subject, "look at the settings that the gateway was started with", "nobody listens on %s, though a gateway runs", address)
		}
		return fine(subject, "%s is free", address)
	}
	switch {
	case !errors.Is(err, syscall.EADDRINUSE):
		return bad(subject, "give this machine that address, or take another by --"+subject+"; ports below 1024 need CAP_NET_BIND_SERVICE", "%v", err)
	case d.running && ours(ctx, address):
		return fine(subject, "the gateway answers on %s", address)
	}
	return bad(subject, "end what listens there (ss -ltnp shows it), or take another address by --"+subject, "another program listens on %s", address)
}

func (d *doctor) isGateway(ctx context.Context, address string) bool {
	_, ok := d.healthy(ctx, "http://"+loopback(address))
	return ok == nil
}

// loopback is where one's own server on all addresses is reached.
func loopback(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return address
}

func isSSH(ctx context.Context, address string) bool {
	conn, err := (&net.Dialer{Timeout: approachPatience}).DialContext(ctx, "tcp", loopback(address))
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(approachPatience))
	greeting := make([]byte, 4)
	_, err = io.ReadFull(conn, greeting)
	return err == nil && string(greeting) == "SSH-"
}

// healthy asks a gateway for a sign of life.
func (d *doctor) healthy(ctx context.Context, base string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", nil)
	if err != nil {
		return nil, err
	}
	res, err := d.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 100))
	if err == nil && (res.StatusCode != http.StatusOK || strings.TrimSpace(string(body)) != "ok") {
		err = errors.New(base + "/healthz answers " + res.Status + ", not ok")
	}
	return res, err
}

func (d *doctor) publicAddress(ctx context.Context) []vmbackend.Finding {
	if d.serve.PublicURL == "" {
		return []vmbackend.Finding{fair("public-url", "say by --public-url how browsers and platforms come, as https://labs.example.edu", "it is not said: only browsers on this machine find the way, and no platform")}
	}
	u, err := publicURL(d.serve.PublicURL)
	if err != nil {
		return []vmbackend.Finding{bad("public-url", "write it as https://labs.example.edu", "%v", err)}
	}
	var out []vmbackend.Finding
	here := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	switch {
	case u.Scheme != "https" && !here:
		out = append(out, bad("public-url", "put a proxy with HTTPS before Labmark (docs/running.md)", "%s is not HTTPS: passwords can be read on the way, and platforms can't launch", u))
	case u.Scheme == "https" && !d.serve.Secure:
		out = append(out, fair("secure", "add --secure", "browsers come by HTTPS, and cookies are not kept off plain HTTP"))
	}
	if _, err := net.DefaultResolver.LookupHost(ctx, u.Hostname()); err != nil {
		return append(out, bad("name", "let the DNS know the name", "%v", err))
	}
	res, err := d.healthy(ctx, u.String())
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return append(out, bad("certificate", "let the proxy show a certificate for "+u.Hostname()+" that has not expired", "%v", err))
	case err != nil && !d.running:
		return append(out, fair("answer", "start the gateway, and look again", "no gateway runs, so %s can't answer: %v", u, err))
	case err != nil:
		return append(out, bad("answer", "see whether the proxy passes all paths on to "+d.serve.Listen, "%v", err))
	}
	out = append(out, fine("answer", "%s leads to Labmark", u))
	if res.TLS != nil {
		out = append(out, d.expiry(res.TLS))
	}
	return append(out, d.skew(res, u)...)
}

// expiry looks at the certificate that ends first.
func (d *doctor) expiry(state *tls.ConnectionState) vmbackend.Finding {
	end := state.PeerCertificates[0].NotAfter
	left := end.Sub(d.now())
	if left < 14*24*time.Hour {
		return fair("certificate", "see why it is not renewed", "it ends on %s", end.Local().Format("2006-01-02"))
	}
	return fine("certificate", "it is good until %s", end.Local().Format("2006-01-02"))
}

// skew compares clocks with whoever answers there, by the second.
func (d *doctor) skew(res *http.Response, u *url.URL) []vmbackend.Finding {
	theirs, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return nil
	}
	off := d.now().Sub(theirs).Round(time.Second).Abs()
	if off > 30*time.Second {
		return []vmbackend.Finding{bad("clock", "keep both clocks right: apt-get install systemd-timesyncd", "this machine's is %v off the one at %s: launches will be refused", off, u.Host)}
	}
	return []vmbackend.Finding{fine("clock", "it agrees with the one at %s", u.Host)}
}

// Files that a gateway has open: some for each guest, each page and terminal.
const (
	leastFiles = 1024
	plenty     = 8192
)

// machine looks at what else may run out, or be too old.
func (d *doctor) machine(context.Context) (out []vmbackend.Finding) {
	out = append(out, d.kernelRelease())
	if ok, err := d.host.synchronised(); err != nil || !ok {
		out = append(out, fair("time", "apt-get install systemd-timesyncd; timedatectl shows how it is", "nothing keeps this machine's clock right: platforms refuse who is late"))
	} else {
		out = append(out, fine("time", "the clock is kept right"))
	}
	files, err := d.host.openFiles()
	const mend = "ulimit -n 65536; in a unit of systemd LimitNOFILE=65536"
	switch {
	case err != nil:
		out = append(out, bad("open files", mend, "%v", err))
	case files < leastFiles:
		out = append(out, bad("open files", mend, "a process may have %d only", files))
	case files < plenty:
		out = append(out, fair("open files", mend, "a process may have %d: too few for some hundred students", files))
	default:
		out = append(out, fine("open files", "a process may have %d", files))
	}
	return out
}

// kernelRelease is of this machine: mount_setattr(2) came with 5.12.
func (d *doctor) kernelRelease() vmbackend.Finding {
	release := d.sysctl("kernel/osrelease")
	parts := strings.SplitN(release, ".", 3)
	if len(parts) < 2 {
		return bad("kernel", "mount /proc", "this machine's kernel does not tell its version")
	}
	major, _ := strconv.Atoi(parts[0])
	minor, _ := strconv.Atoi(parts[1])
	if major < 5 || major == 5 && minor < 12 {
		return bad("kernel", "run Linux 5.12 or newer; Debian 12 has 6.1", "%s is too old for guests' jails", release)
	}
	var name unix.Utsname
	_ = unix.Uname(&name)
	return fine("kernel", "Linux %s, %s", release, unix.ByteSliceToString(name.Machine[:]))
}
