// Package plainhttp is a small HTTP/1.1 client for programs inside guests,
// where net/http would be most of the program. It makes one request on one
// connection and follows nothing. Whom it asks need not be friendly: heads are
// bounded, and all waiting ends with the context.
package plainhttp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Request is one request.
type Request struct {
	Method string // "GET" if empty
	URL    *url.URL
	// Header lines go out in this order. Host, Connection and, with a Body,
	// Content-Length are added where they are missing.
	Header []Field
	Body   []byte
	// Dial, unless nil, is told where to connect to, as "host:port".
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Verify holds the server's certificate against the machine's own list.
	Verify bool
	// Proxy, unless nil, is asked instead of the server itself.
	Proxy *url.URL
}

// Field is one line of a head.
type Field struct{ Name, Value string }

// Response is what came back. Body ends with the response, and must be closed.
type Response struct {
	Proto  string // as "HTTP/1.1"
	Status int
	Reason string
	Header []Field
	Body   io.ReadCloser
}

// Get returns the first header of a name, "" if there is none.
func (r *Response) Get(name string) string {
	for _, f := range r.Header {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// maxHead bounds a response's head, in bytes.
const maxHead = 256 << 10

// ErrNotHTTP is what an answer was that is none of HTTP.
var ErrNotHTTP = errors.New("the answer is not HTTP")

// Do makes a request. The context bounds all of it, the reading of the body too.
func Do(ctx context.Context, r Request) (*Response, error) {
	conn, err := r.connect(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	fail := func(err error) (*Response, error) {
		stop()
		_ = conn.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	if _, err := conn.Write(r.text()); err != nil {
		return fail(err)
	}
	in := bufio.NewReader(conn)
	response, err := readHead(in)
	for err == nil && response.Status >= 100 && response.Status < 200 && response.Status != 101 {
		response, err = readHead(in)
	}
	if err != nil {
		return fail(err)
	}
	response.Body = &body{Reader: response.frame(in, r.Method), close: func() error { stop(); return conn.Close() }}
	return response, nil
}

type body struct {
	io.Reader
	close func() error
}

func (b *body) Close() error { return b.close() }

func (r Request) address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[u.Scheme]
	}
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func (r Request) connect(ctx context.Context) (net.Conn, error) {
	dial := r.Dial
	if dial == nil {
		dial = Dial
	}
	target := r.URL
	if r.Proxy != nil {
		target = r.Proxy
	}
	conn, err := dial(ctx, r.address(target))
	if err != nil || r.URL.Scheme != "https" || r.Proxy != nil {
		return conn, err
	}
	secure := tls.Client(conn, &tls.Config{ServerName: r.URL.Hostname(), InsecureSkipVerify: !r.Verify})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// Dial connects by TCP. localhost is this machine, whatever its files say.
func Dial(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(host, "localhost") {
		conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
		if err == nil {
			return conn, nil
		}
		if six, err := d.DialContext(ctx, "tcp", net.JoinHostPort("::1", port)); err == nil {
			return six, nil
		}
		return nil, err
	}
	return d.DialContext(ctx, "tcp", address)
}

func (r Request) text() []byte {
	method := r.Method
	if method == "" {
		method = "GET"
	}
	target := r.URL.RequestURI()
	if r.Proxy != nil {
		target = r.URL.Scheme + "://" + r.URL.Host + target
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, target)
	has := map[string]bool{}
	for _, f := range r.Header {
		has[strings.ToLower(f.Name)] = true
	}
	if !has["host"] {
		fmt.Fprintf(&b, "Host: %s\r\n", r.URL.Host)
	}
	for _, f := range r.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", f.Name, f.Value)
	}
	if !has["connection"] {
		b.WriteString("Connection: close\r\n")
	}
	if r.Body != nil && !has["content-length"] {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.Body))
	}
	b.WriteString("\r\n")
	b.Write(r.Body)
	return b.Bytes()
}

func readHead(in *bufio.Reader) (*Response, error) {
	left := maxHead
	line, err := readLine(in, &left)
	if err != nil {
		return nil, err
	}
	proto, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	status, err := strconv.Atoi(code)
	if err != nil || !strings.HasPrefix(proto, "HTTP/") || status < 100 || status > 999 {
		return nil, ErrNotHTTP
	}
	r := &Response{Proto: proto, Status: status, Reason: reason}
	for {
		line, err := readLine(in, &left)
		if err != nil {
			return nil, err
		}
		if line == "" {
			return r, nil
		}
		name, value, found := strings.Cut(line, ":")
		if !found {
			return nil, ErrNotHTTP
		}
		r.Header = append(r.Header, Field{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
}

// readLine reads up to the end of a line, of what is left for the head.
func readLine(in *bufio.Reader, left *int) (string, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		*left -= len(part)
		if *left < 0 {
			return "", fmt.Errorf("%w: its head has no end", ErrNotHTTP)
		}
		line = append(line, part...)
		if err == nil {
			return strings.TrimRight(string(line), "\r\n"), nil
		}
		if errors.Is(err, io.EOF) && len(line) > 0 {
			return "", ErrNotHTTP
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
	}
}

// frame finds where the body ends, see RFC 9112 section 6.3.
func (r *Response) frame(in *bufio.Reader, method string) io.Reader {
	if method == "HEAD" || r.Status == 204 || r.Status == 304 {
		return strings.NewReader("")
	}
	if strings.EqualFold(r.Get("Transfer-Encoding"), "chunked") {
		return &chunks{in: in}
	}
	if n, err := strconv.ParseInt(r.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		return &exactly{in, n}
	}
	return in
}

// exactly reads n bytes, and fails where there are fewer.
type exactly struct {
	in io.Reader
	n  int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.n == 0 {
		return 0, io.EOF
	}
	n, err := e.in.Read(p[:min(int64(len(p)), e.n)])
	e.n -= int64(n)
	if errors.Is(err, io.EOF) && e.n > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// chunks reads a body in pieces.
type chunks struct {
	in   *bufio.Reader
	left int64
	done bool
}

func (c *chunks) Read(p []byte) (int, error) {
	for c.left == 0 {
		if c.done {
			return 0, io.EOF
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if errors.Is(err, io.EOF) {
		return n, io.ErrUnexpectedEOF
	}
	if err == nil && c.left == 0 {
		room := maxHead
		_, err = readLine(c.in, &room)
	}
	return n, err
}

func (c *chunks) next() error {
	room := maxHead
	line, err := readLine(c.in, &room)
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(line, ";")
	n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 63)
	if err != nil || n < 0 {
		return fmt.Errorf("%w: a piece of it has no length", ErrNotHTTP)
	}
	c.left, c.done = n, n == 0
	for c.done { // what follows the last piece is a head of its own
		line, err := readLine(c.in, &room)
		if err != nil || line == "" {
			return err
		}
	}
	return nil
}
