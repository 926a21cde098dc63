package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
)

// TestPackagesFromTheMirror lets students of a course that opens the mirror
// fetch a package, whatever runs their guests, and nothing else.
func TestPackagesFromTheMirror(t *testing.T) {
	for _, engine := range []string{"uml", "libvirt"} {
		t.Run(engine, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("/debian/hello.deb", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a package") })
			mux.HandleFunc("/secret", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a secret") })
			mirror := httptest.NewServer(mux)
			defer mirror.Close()
			address := mirror.URL + "/debian"
			g := newGateway(t, "course", "--pool", "0", "--mirror", address+"=127.0.0.1")
			if engine == "libvirt" {
				n := libvirttest.Local(t)
				g.labmark(t, "node", "add", "here", n.Endpoint.URI, "--pool", filepath.Join(n.Dir, "p"))
			}
			g.start(t)
			s := g.student(t, "ann", "install")
			s.ready(t)
			s.shell(t, "main").run(t, "echo "+address+" | sudo tee /home/student/mirror")
			if verdict, message := s.check(t, "fetched"); verdict != "pass" {
				t.Errorf("%s: %s", verdict, message)
			}
		})
	}
}
