// Package curl is the curl of the toolbox: as much of it as checks use, in the
// agent's own program, so that no program of the student's stands between a
// check and a server.
package curl

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/labmark/labmark/internal/plainhttp"
)

// Exit statuses, as curl(1) has them.
const (
	exitUsage     = 2
	exitURL       = 3
	exitResolve   = 6
	exitConnect   = 7
	exitHTTPError = 22
	exitWrite     = 23
	exitTimeout   = 28
	exitRedirects = 47
	exitEmpty     = 52
	exitReceive   = 56
	exitCertified = 60
)

// failure is an error with its exit status.
type failure struct {
	status int
	text   string
}

func (f failure) Error() string { return f.text }

// Main runs one command line, without its first word, and returns its exit
// status.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parse(args, stdin)
	if err == nil {
		last := 0
		for _, address := range o.urls {
			last = o.fetch(address, stdout, stderr)
		}
		return last
	}
	_, _ = fmt.Fprintf(stderr, "curl: (%d) %v\n", exitUsage, err)
	return exitUsage
}

// fetch asks for one address, with its redirections, and says what went wrong.
func (o *options) fetch(address string, stdout, stderr io.Writer) int {
	ctx := context.Background()
	if o.maxTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.maxTime)
		defer cancel()
	}
	t := &transfer{options: o, ctx: ctx, began: time.Now()}
	err := t.run(address, stdout)
	status := 0
	if err != nil {
		status = statusOf(err)
		if !o.silent || o.showError {
			_, _ = fmt.Fprintf(stderr, "curl: (%d) %v\n", status, err)
		}
	}
	_, _ = io.WriteString(stdout, t.report())
	return status
}

// transfer is one address under way.
type transfer struct {
	*options
	ctx       context.Context
	began     time.Time
	url       *url.URL
	response  *plainhttp.Response
	redirects int
	size      int64
	location  string
}

func (t *transfer) run(address string, stdout io.Writer) error {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return failure{exitURL, "this is no address of http or https"}
	}
	method, data := t.method, t.data
	for {
		t.url = u
		if t.response, err = plainhttp.Do(t.ctx, t.request(u, method, data)); err != nil {
			return err
		}
		next := t.next(u)
		t.location = next
		if !t.follow || next == "" {
			break
		}
		_ = t.response.Body.Close()
		if t.redirects++; t.redirects > 50 {
			return failure{exitRedirects, "too many redirections"}
		}
		if u, err = url.Parse(next); err != nil {
			return failure{exitURL, "a redirection leads to what is no address"}
		}
		if s := t.response.Status; s == 303 || (s == 301 || s == 302) && method == "POST" {
			method, data = "GET", nil
		}
	}
	defer func() { _ = t.response.Body.Close() }()
	if t.failOnError && t.response.Status >= 400 {
		return failure{exitHTTPError, fmt.Sprintf("The requested URL returned error: %d", t.response.Status)}
	}
	return t.save(stdout)
}

// next is where a redirection leads, "" where there is none.
func (t *transfer) next(from *url.URL) string {
	location := t.response.Get("Location")
	if location == "" || t.response.Status < 300 || t.response.Status > 399 {
		return ""
	}
	to, err := from.Parse(location)
	if err != nil {
		return location
	}
	return to.String()
}

func (t *transfer) request(u *url.URL, method string, data []byte) plainhttp.Request {
	r := plainhttp.Request{Method: method, URL: u, Body: data, Verify: !t.insecure, Proxy: t.proxy, Dial: t.dial}
	own := map[string]bool{}
	for _, f := range t.header {
		own[strings.ToLower(f.Name)] = true
		if f.Value != "" {
			r.Header = append(r.Header, f)
		}
	}
	add := func(name, value string) {
		if value != "" && !own[strings.ToLower(name)] {
			r.Header = append(r.Header, plainhttp.Field{Name: name, Value: value})
		}
	}
	add("User-Agent", t.agent)
	add("Accept", "*/*")
	add("Authorization", t.authorization)
	add("Referer", t.referer)
	add("Cookie", t.cookie)
	if data != nil {
		add("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// dial connects, within the time for that, and where --resolve says.
func (t *transfer) dial(ctx context.Context, address string) (net.Conn, error) {
	if t.connectTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.connectTime)
		defer cancel()
	}
	if to := t.resolve[strings.ToLower(address)]; to != "" {
		address = to
	}
	if t.socket != "" {
		return (&net.Dialer{}).DialContext(ctx, "unix", t.socket)
	}
	return plainhttp.Dial(ctx, address)
}

// save writes what was asked for to where it belongs.
func (t *transfer) save(stdout io.Writer) error {
	out := stdout
	name := t.output
	if t.remoteName {
		name = t.url.Path[strings.LastIndexByte(t.url.Path, '/')+1:]
		if name == "" {
			return failure{exitWrite, "the address has no file name"}
		}
	}
	if name != "" && name != "-" {
		file, err := os.Create(name)
		if err != nil {
			return failure{exitWrite, err.Error()}
		}
		defer func() { _ = file.Close() }()
		out = file
	}
	if t.include || t.head {
		var b strings.Builder
		fmt.Fprintf(&b, "%s %d %s\r\n", t.response.Proto, t.response.Status, t.response.Reason)
		for _, f := range t.response.Header {
			fmt.Fprintf(&b, "%s: %s\r\n", f.Name, f.Value)
		}
		if _, err := io.WriteString(out, b.String()+"\r\n"); err != nil {
			return failure{exitWrite, err.Error()}
		}
	}
	var err error
	t.size, err = io.Copy(out, t.response.Body)
	var path *os.PathError
	if errors.As(err, &path) {
		return failure{exitWrite, err.Error()}
	}
	return err
}

func statusOf(err error) int {
	var f failure
	var dns *net.DNSError
	var op *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &f):
		return f.status
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return exitTimeout
	case errors.As(err, &dns):
		return exitResolve
	case errors.As(err, &certificate):
		return exitCertified
	case errors.As(err, &op) && op.Op == "dial", errors.Is(err, syscall.ECONNREFUSED):
		return exitConnect
	case errors.Is(err, io.EOF):
		return exitEmpty
	}
	return exitReceive
}

// report fills the form that -w gives.
func (t *transfer) report() string {
	if t.form == "" {
		return ""
	}
	status, kind := "000", ""
	if t.response != nil {
		status, kind = fmt.Sprintf("%03d", t.response.Status), t.response.Get("Content-Type")
	}
	effective := ""
	if t.url != nil {
		effective = t.url.String()
	}
	pairs := []string{"%%", "%", `\n`, "\n", `\t`, "\t", `\r`, "\r"}
	for name, value := range map[string]string{
		"http_code": status, "response_code": status, "content_type": kind, "url_effective": effective, "redirect_url": t.location,
		"num_redirects": strconv.Itoa(t.redirects), "size_download": strconv.FormatInt(t.size, 10),
		"time_total": fmt.Sprintf("%.6f", time.Since(t.began).Seconds()),
	} {
		pairs = append(pairs, "%{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(t.form)
}
