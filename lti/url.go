package lti

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"
)

// longestURL bounds every address that comes from outside, in bytes.
const longestURL = 4096

// SecureURL reads an absolute address to which secrets may go: https, or
// http on this very machine, for demos and tests. Literal addresses that
// never belong to a platform (link-local, as clouds use for their secrets)
// are refused.
func SecureURL(raw string) (*url.URL, error) {
	if len(raw) > longestURL {
		return nil, fmt.Errorf("an address of %d characters is too long", len(raw))
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("no address that can be read")
	}
	ip := net.ParseIP(u.Hostname())
	switch {
	case u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("no absolute address")
	case u.User != nil:
		return nil, errors.New("an address with a user's name in it")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u)):
		return nil, errors.New("not an https address")
	case ip != nil && (ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified()):
		return nil, errors.New("an address at which no platform can be")
	}
	return u, nil
}

// secure says whether SecureURL takes an address.
func secure(raw string) bool {
	_, err := SecureURL(raw)
	return err == nil
}

func loopback(u *url.URL) bool {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// originOf is scheme, host and port as browsers compare them (RFC 6454,
// section 6.2): lower case, and without a port that goes without saying.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && (u.Scheme != "https" || port != "443") && (u.Scheme != "http" || port != "80") {
		host += ":" + port
	}
	return u.Scheme + "://" + host
}

// path is the one under which the tool stands, without "/" at its end.
func (e Endpoints) path() string { return strings.TrimSuffix(path.Clean("/"+e.Base.Path), "/") }

// below says whether an address belongs to this tool, and gives its path.
func (e Endpoints) below(raw string) (at string, ok bool) {
	u, err := url.Parse(raw)
	if err != nil || len(raw) > longestURL || u.User != nil || originOf(u) != originOf(e.Base) {
		return "", false
	}
	at = path.Clean("/" + u.Path)
	return at, strings.HasPrefix(at+"/", e.path()+"/")
}
