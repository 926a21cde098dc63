package lti

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Bounds of what a platform may answer.
const (
	serviceBody    = 1 << 20 // bytes of one answer
	servicePages   = 400     // of one list
	serviceTimeout = 20 * time.Second
)

// Client calls platforms' services: grades (AGS 2.0) and rosters (NRPS 2.0).
// Its methods may be called from any goroutine. What goes wrong is told as a
// *ServiceError.
type Client struct {
	// HTTP may be nil. Its CheckRedirect is not used: redirects stay on their
	// host, and nothing that was posted is posted on.
	HTTP *http.Client
	// Keys are the tool's own.
	Keys func(context.Context) ([]Key, error)
	Now  func() time.Time // nil means time.Now

	mu     sync.Mutex
	grants map[string]*grant
	offset map[string]time.Duration // by token endpoint: the platform's clock minus this one
}

// Clock says how far a platform's clock is ahead of this one, by what its
// token endpoint said last; 0 where that is unknown or hardly anything.
func (c *Client) Clock(p Platform) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset[p.TokenURL]
}

func (c *Client) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// call is one request to a service.
type call struct {
	op, method, url string
	accept, content string // media types
	body            []byte
	// scopes are sets of scopes of which one will do, best first; none for
	// what needs no token.
	scopes [][]string
}

// answer is what a platform said, whatever the status.
type answer struct {
	status int
	header http.Header
	body   []byte
	url    *url.URL // after redirects
}

// do sends a call with an access token. One that is refused with 401 is
// dropped, and another is fetched, once: keys may have been rotated, tokens
// withdrawn.
func (c *Client) do(ctx context.Context, p Platform, k call) (*answer, error) {
	token, err := c.token(ctx, p, k.scopes)
	if err != nil {
		return nil, err
	}
	a, err := c.send(ctx, k, token)
	if err == nil && a.status == http.StatusUnauthorized {
		c.drop(token)
		if token, err = c.token(ctx, p, k.scopes); err != nil {
			return nil, err
		}
		a, err = c.send(ctx, k, token)
	}
	if err != nil {
		return nil, err
	}
	if a.status < 200 || a.status > 299 {
		return nil, c.refused(k, a)
	}
	return a, nil
}

// send makes one request. It returns an error where no complete answer came.
func (c *Client) send(ctx context.Context, k call, token string) (*answer, error) {
	fail := func(kind Kind, err error) error {
		return &ServiceError{Op: k.op, URL: bare(k.url), Err: err, kind: kind}
	}
	if err := callable(k.url); err != nil {
		return nil, fail(Refused, err)
	}
	ctx, cancel := context.WithTimeout(ctx, serviceTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, k.method, k.url, bytes.NewReader(k.body))
	if err != nil {
		return nil, fail(Refused, err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Accept", k.accept)
	if k.content != "" {
		req.Header.Set("Content-Type", k.content)
	}
	resp, err := c.client().Do(req)
	if err != nil {
		var ue *url.Error // names the whole address; ours is enough
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, fail(Temporary, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, serviceBody+1))
	if err == nil && len(body) > serviceBody {
		err = fmt.Errorf("the answer is longer than %d bytes", serviceBody)
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, body: body, url: resp.Request.URL}
	if err != nil {
		// What was done with the request is told by the status nevertheless.
		e := &ServiceError{Op: k.op, URL: bare(k.url), Status: a.status, Err: err, kind: Temporary}
		if a.status >= 300 {
			e.kind = 0
		}
		return nil, e
	}
	return a, nil
}

var plainClient = &http.Client{Transport: &http.Transport{
	Proxy:                 http.ProxyFromEnvironment,
	DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
	TLSHandshakeTimeout:   10 * time.Second,
	ResponseHeaderTimeout: serviceTimeout,
	IdleConnTimeout:       time.Minute,
	MaxIdleConnsPerHost:   8,
}}

// client is HTTP with our rule for redirects: a token must not go to another
// host, and a score must not be posted twice.
func (c *Client) client() *http.Client {
	base := c.HTTP
	if base == nil {
		base = plainClient
	}
	own := *base
	own.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		first := via[0]
		switch {
		case first.Method != http.MethodGet:
			return http.ErrUseLastResponse
		case originOf(req.URL) != originOf(first.URL):
			return fmt.Errorf("redirected to another place, %s", bare(req.URL.String()))
		case len(via) >= 5:
			return errors.New("redirected more than 5 times")
		}
		return nil
	}
	return &own
}

// callable refuses addresses over which a token would travel in the clear.
func callable(address string) error {
	if _, err := SecureURL(address); err != nil {
		return fmt.Errorf("can't call %q: %w", bare(address), err)
	}
	return nil
}

// bare is an address without its query, which may hold what is secret.
func bare(address string) string {
	s, _, more := strings.Cut(address, "?")
	if more {
		s += "?…"
	}
	return strings.ToValidUTF8(s[:min(len(s), 300)], "�")
}
