package plainhttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func get(t *testing.T, r Request, address string) (*Response, string, error) {
	t.Helper()
	var err error
	if r.URL, err = url.Parse(address); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	response, err := Do(ctx, r)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response, string(body), err
}

func TestAgainstARealServer(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.Method+" "+r.Host+" "+r.URL.String())
		switch r.URL.Path {
		case "/pieces":
			for i := range 3 {
				fmt.Fprintf(w, "piece %d\n", i)
				w.(http.Flusher).Flush()
			}
		case "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		default:
			fmt.Fprintf(w, "hello %s", body)
		}
	})
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer secure.Close()
	for _, c := range []struct {
		r          Request
		address    string
		status     int
		body, seen string
	}{
		{Request{}, plain.URL + "/a?b=c", 200, "hello ", "GET 127"},
		{Request{Method: "POST", Body: []byte("x y")}, plain.URL, 200, "hello x y", "POST 127"},
		{Request{Method: "HEAD"}, plain.URL, 200, "", "HEAD 127"},
		{Request{Header: []Field{{"Host", "lab.example"}}}, plain.URL, 200, "hello ", "GET lab.example /"},
		{Request{}, plain.URL + "/pieces", 200, "piece 0\npiece 1\npiece 2\n", "GET"},
		{Request{}, plain.URL + "/moved", 302, "<a href=\"/\">Found</a>.\n\n", "GET"},
		{Request{}, secure.URL, 200, "hello ", "GET"},
		{Request{}, strings.Replace(plain.URL, "127.0.0.1", "localhost", 1), 200, "hello ", "GET localhost"},
	} {
		r, body, err := get(t, c.r, c.address)
		if err != nil || r.Status != c.status || body != c.body || !strings.HasPrefix(r.Get("x-seen"), c.seen) {
			t.Errorf("%s %s: %+v %q %v", c.r.Method, c.address, r, body, err)
		}
	}
	if _, _, err := get(t, Request{Verify: true}, secure.URL); err == nil {
		t.Error("a certificate that nobody knows was taken")
	}
}

// serve answers every visitor with the same text, and then hangs up or waits.
func serve(t testing.TB, text string, endless bool) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				buffer := make([]byte, 4096)
				_, _ = c.Read(buffer)
				for {
					if _, err := io.WriteString(c, text); err != nil || !endless {
						return
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestHostileServers(t *testing.T) {
	for _, c := range []struct {
		text    string
		endless bool
		want    error
	}{
		{"SSH-2.0-x\r\n", false, ErrNotHTTP}, {"", false, io.EOF}, {"HTTP/1.1 200 OK\r\nX: y\r\n", false, io.EOF},
		{"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 9999) + "\r\n", true, ErrNotHTTP}, {"xxxxxxxxxxxxxx", true, ErrNotHTTP},
		{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", false, io.ErrUnexpectedEOF},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, ErrNotHTTP},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", false, io.ErrUnexpectedEOF},
	} {
		if _, _, err := get(t, Request{}, serve(t, c.text, c.endless)); !errors.Is(err, c.want) {
			t.Errorf("%.40q: %v, want %v", c.text, err, c.want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	u, _ := url.Parse("http://" + l.Addr().String())
	if _, err := Do(ctx, Request{URL: u}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a silent server: %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"))
	f.Fuzz(func(t *testing.T, text []byte) {
		ours, theirs := net.Pipe()
		go func() {
			go func() { _, _ = io.Copy(io.Discard, theirs) }()
			_, _ = theirs.Write(text)
			_ = theirs.Close()
		}()
		u := &url.URL{Scheme: "http", Host: "x"}
		r, err := Do(t.Context(), Request{URL: u, Dial: func(context.Context, string) (net.Conn, error) { return ours, nil }})
		if err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
			_ = r.Body.Close()
		}
	})
}
