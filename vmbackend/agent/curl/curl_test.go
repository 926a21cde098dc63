package curl

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommandLines(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/there", http.StatusMovedPermanently)
		case "/none":
			http.NotFound(w, r)
		default:
			w.Header().Set("X-A", "b")
			fmt.Fprintf(w, "%s %s %s %s %s%s %s", r.Method, r.Host, r.URL, r.UserAgent(), user, password, body)
		}
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	_, port, _ := strings.Cut(host, ":")
	file := filepath.Join(t.TempDir(), "out")
	for _, c := range []struct {
		line   string // URL stands for the server
		stdin  string
		status int
		out    string
	}{
		{"-s URL/x", "", 0, "GET " + host + " /x curl/8 (labmark)  "},
		{"-so /dev/null -m5 -w %{http_code} URL", "", 0, "200"},
		{"-s -o /dev/null -w %{http_code}\\n " + host + "/none", "", 0, "404\n"},
		{"-sf URL/none", "", 22, ""},
		{"-sS -w %{http_code} http://127.0.0.1:1/", "", 7, "000"},
		{"-s URL/moved -o /dev/null -w %{http_code}:%{redirect_url}", "", 0, "301:" + server.URL + "/there"},
		{"-sL URL/moved -A me", "", 0, "GET " + host + " /there me  "},
		{"-s -X PUT -d a=b -d c=d -H Host:lab -u ann:pw -A me URL", "", 0, "PUT lab / me annpw a=b&c=d"},
		{"-s --data-binary @- -A me URL", "x\ny", 0, "POST " + host + " / me  x\ny"},
		{"-sG -A me --data-urlencode q=a+b URL", "", 0, "GET " + host + " /?q=a%2Bb me  "},
		{"-s --resolve lab.example:" + port + ":127.0.0.1 -A me http://lab.example:" + port + "/", "", 0, "GET lab.example:" + port + " / me  "},
		{"-s -x " + server.URL + " -A me http://far.example/y", "", 0, "GET far.example http://far.example/y me  "},
		{"-s -o " + file + " -A me URL", "", 0, ""},
		{"-s ftp://x", "", 3, ""},
		{"-s", "", 2, ""},
		{"--frobnicate x URL", "", 2, ""},
	} {
		var out, errout bytes.Buffer
		args := strings.Fields(strings.ReplaceAll(c.line, "URL", server.URL))
		if status := Main(args, strings.NewReader(c.stdin), &out, &errout); status != c.status || out.String() != c.out {
			t.Errorf("curl %s: %d, %q %q; want %d, %q", c.line, status, out.String(), errout.String(), c.status, c.out)
		}
	}
	if text, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(text), "GET ") {
		t.Errorf("-o wrote %q, %v", text, err)
	}
	var out bytes.Buffer
	if Main([]string{"-sI", server.URL}, nil, &out, io.Discard); !strings.HasPrefix(out.String(), "HTTP/1.1 200 OK\r\n") || !strings.Contains(out.String(), "X-A: b\r\n") {
		t.Errorf("-I said %q", out.String())
	}
}
