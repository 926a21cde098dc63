package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Config says what guests may reach.
type Config struct {
	// Targets may be read; with none, every request is refused with the reason.
	Targets []Target
	// Burst is how many bytes a guest may take as fast as they come, and Rate
	// how many more it earns each second. 0 takes 2 GiB and 2 MiB.
	Burst, Rate int64
	Log         *slog.Logger
}

const (
	defaultBurst = 2 << 30
	defaultRate  = 2 << 20

	maxHeader     = 16 << 10
	headerTimeout = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	// answerTimeout bounds how long a mirror may take to begin its answer,
	// stallTimeout how long a guest may not read.
	answerTimeout = time.Minute
	stallTimeout  = 2 * time.Minute
	// mirrorConns bounds connections to one mirror, of all guests.
	mirrorConns = 64
	copyBlock   = 64 << 10
)

// Proxy answers guests. Make it with New.
type Proxy struct {
	cfg       Config
	transport *http.Transport
	shares    shares
}

// New makes a proxy; Serve runs it.
func New(cfg Config) (*Proxy, error) {
	if cfg.Burst == 0 {
		cfg.Burst = defaultBurst
	}
	if cfg.Rate == 0 {
		cfg.Rate = defaultRate
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	pinned := map[string]netip.Addr{}
	for _, t := range cfg.Targets {
		address := net.JoinHostPort(t.host, t.port)
		if before, ok := pinned[address]; ok && before != t.address {
			return nil, fmt.Errorf("mirror %s: it is named with two different addresses", t)
		}
		if t.address.IsValid() {
			pinned[address] = t.address
		}
	}
	return &Proxy{
		cfg: cfg,
		transport: &http.Transport{
			DialContext: dialer(pinned), DisableCompression: true,
			MaxConnsPerHost: mirrorConns, MaxIdleConnsPerHost: 8, IdleConnTimeout: idleTimeout,
			ResponseHeaderTimeout: answerTimeout, TLSHandshakeTimeout: dialTimeout, MaxResponseHeaderBytes: maxHeader,
		},
		shares: shares{burst: cfg.Burst, rate: cfg.Rate, guests: map[string]*share{}},
	}, nil
}

// ServeHTTP answers one request of the guest that the context names.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	guest, _ := r.Context().Value(guestKey{}).(string)
	s := p.shares.of(guest)
	leave, err := s.enter(r.Context())
	if err != nil {
		return // the guest hung up while it waited for its turn
	}
	defer leave()
	target, refused := p.permit(r)
	if refused != nil {
		refused.tell(w)
		p.log(s, guest, r, refused.status, 0)
		return
	}
	answer, err := p.transport.RoundTrip(target.request(r))
	if err == nil && answer.StatusCode < 200 {
		answer.Body.Close()
		err = fmt.Errorf("it answers %s", answer.Status)
	}
	if err != nil {
		if left, ok := s.mayLog(); ok && r.Context().Err() == nil {
			p.cfg.Log.Warn("a package mirror cannot be reached", "mirror", target.String(), "guest", guest, "error", err, "left_out", left)
		}
		(&refusal{http.StatusBadGateway, "The gateway cannot reach the package mirror", "Try again later, and tell your teacher if it stays so."}).tell(w)
		return
	}
	defer answer.Body.Close()
	sent, err := pass(w, answer, s, r.Context())
	p.log(s, guest, r, answer.StatusCode, sent)
	if err != nil {
		// Whoever reads must see that the answer is not whole.
		panic(http.ErrAbortHandler)
	}
}

// permit says what a request may go to.
func (p *Proxy) permit(r *http.Request) (Target, *refusal) {
	switch {
	case len(p.cfg.Targets) == 0:
		return Target{}, &refusal{http.StatusForbidden, "This Labmark offers no package mirror",
			"Its administrator can name one: labmark serve --mirror URL"}
	case r.Method == http.MethodConnect, strings.EqualFold(r.URL.Scheme, "https"):
		return Target{}, &refusal{http.StatusForbidden, "Only http addresses can be reached here, not https",
			"Write the package sources with http; packages are signed anyway."}
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return Target{}, &refusal{http.StatusMethodNotAllowed, "Only GET and HEAD are allowed here", ""}
	case !r.URL.IsAbs():
		return Target{}, &refusal{http.StatusBadRequest, "This is a proxy and has no pages of its own", ""}
	case r.ContentLength != 0 || len(r.TransferEncoding) > 0:
		return Target{}, &refusal{http.StatusBadRequest, "A request with a body is not allowed here", ""}
	}
	for _, t := range p.cfg.Targets {
		if t.covers(r.URL) {
			return t, nil
		}
	}
	var offered []string
	for _, t := range p.cfg.Targets {
		offered = append(offered, t.String())
	}
	return Target{}, &refusal{http.StatusForbidden, "This address is not open to labs", "Open are " + strings.Join(offered, ", ")}
}

// refusal is an answer of the proxy's own. Its reason stands in the status
// line, which is what apt and wget show.
type refusal struct {
	status       int
	reason, more string
}

func (f *refusal) tell(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, f.reason, f.status)
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(headerTimeout))
	body := strings.TrimSpace(f.reason+".\n"+f.more) + "\n"
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		f.status, f.reason, len(body), body)
}

// pass sends the mirror's answer on, at the guest's pace and within its share.
func pass(w http.ResponseWriter, answer *http.Response, s *share, ctx context.Context) (sent int64, err error) {
	copyHeaders(w.Header(), answer.Header, "Accept-Ranges", "Age", "Cache-Control", "Content-Encoding", "Content-Length",
		"Content-Range", "Content-Type", "Date", "Etag", "Expires", "Last-Modified", "Location", "Retry-After")
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(stallTimeout))
	w.WriteHeader(answer.StatusCode)
	block := make([]byte, copyBlock)
	for {
		n, err := answer.Body.Read(block)
		if n > 0 {
			if err := s.pay(ctx, int64(n)); err != nil {
				return sent, err
			}
			_ = control.SetWriteDeadline(time.Now().Add(stallTimeout))
			if _, err := w.Write(block[:n]); err != nil {
				return sent, err
			}
			sent += int64(n)
		}
		if errors.Is(err, io.EOF) {
			return sent, nil
		}
		if err != nil {
			return sent, err
		}
	}
}

// log writes a line for a guest, at most one each second.
func (p *Proxy) log(s *share, guest string, r *http.Request, status int, sent int64) {
	left, ok := s.mayLog()
	if !ok {
		return
	}
	u := (&url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: r.URL.Path}).String()
	p.cfg.Log.Info("package mirror", "guest", guest, "method", r.Method, "url", u[:min(len(u), 300)], "status", status, "bytes", sent, "left_out", left)
}
