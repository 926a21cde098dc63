package mirror

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// Target is one address below which guests may read.
type Target struct {
	scheme, host string
	port         string
	// prefix is the path, without a slash at its end.
	prefix string
	// address is dialled for host without a look-up, whatever it is; invalid
	// if the administrator named none.
	address netip.Addr
}

// ParseTarget reads what an administrator names: http://HOST[:PORT][/PATH],
// or https, which the proxy then speaks to the mirror while guests ask by
// http. "=ADDRESS" behind it says where HOST is; a mirror in a private
// network needs that, or an address as HOST.
func ParseTarget(text string) (Target, error) {
	raw, address, pinned := strings.Cut(text, "=")
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return Target{}, fmt.Errorf("mirror %q: %w", text, err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return Target{}, fmt.Errorf("mirror %q: write it as http://HOST/PATH", text)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strayPath(u.Path):
		return Target{}, fmt.Errorf("mirror %q: only a host, a port and a plain path may be named", text)
	}
	t := Target{
		scheme: u.Scheme, host: strings.ToLower(u.Hostname()), port: u.Port(),
		prefix: strings.TrimRight(u.Path, "/"),
	}
	if t.port == "" {
		t.port = map[string]string{"http": "80", "https": "443"}[t.scheme]
	}
	if !pinned {
		if ip, err := netip.ParseAddr(t.host); err == nil {
			t.address = ip.Unmap()
		}
		return t, nil
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return Target{}, fmt.Errorf("mirror %q: behind = stands the mirror's IP address: %w", text, err)
	}
	t.address = ip.Unmap()
	return t, nil
}

// String is what guests may ask for, as they write it.
func (t Target) String() string {
	host := t.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := t.askedPort(); port != "80" {
		host += ":" + port
	}
	return "http://" + host + t.prefix + "/"
}

// askedPort is the port that guests name: a mirror at the usual port of HTTPS
// is asked at the usual port of HTTP.
func (t Target) askedPort() string {
	if t.scheme == "https" && t.port == "443" {
		return "80"
	}
	return t.port
}

// covers says whether a guest's address lies below the target.
func (t Target) covers(u *url.URL) bool {
	port := u.Port()
	if port == "" {
		port = "80"
	}
	return u.Scheme == "http" && !strayPath(u.Path) && !strings.Contains(strings.ToLower(u.EscapedPath()), "%2f") &&
		strings.EqualFold(u.Hostname(), t.host) && port == t.askedPort() &&
		(u.Path == t.prefix || strings.HasPrefix(u.Path, t.prefix+"/"))
}

// strayPath says whether servers may take a path for another one: it leads
// upwards, or has bytes that some of them read as slashes or as the end.
func strayPath(p string) bool {
	if strings.ContainsAny(p, "\\\x00\r\n") {
		return true
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." {
			return true
		}
	}
	return p != "" && !path.IsAbs(p)
}

// request makes what is asked of the mirror from what the guest asked. Only
// headers that change which bytes come are kept.
func (t Target) request(r *http.Request) *http.Request {
	out := (&http.Request{
		Method: r.Method, Host: t.host, Header: http.Header{"User-Agent": {"Labmark"}},
		URL: &url.URL{
			Scheme: t.scheme, Host: net.JoinHostPort(t.host, t.port),
			Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery,
		},
	}).WithContext(r.Context())
	if port := t.port; port != "80" && port != "443" {
		out.Host = out.URL.Host
	}
	copyHeaders(out.Header, r.Header, "Accept", "Cache-Control", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Pragma", "Range")
	return out
}

func copyHeaders(to, from http.Header, names ...string) {
	for _, name := range names {
		if values := from.Values(name); len(values) > 0 {
			to[name] = values
		}
	}
}
