// Command screens serves a course whose guests are simulated, with screens,
// for the browser tests of desktops: they need neither QEMU nor an image.
//
//	go run ./e2e/screens -listen 127.0.0.1:8098
//
// SIGUSR1 ends all connections to guests, which run on, and lets nobody see a
// screen until SIGUSR2 comes.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing/fstest"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/simulated"
)

var course = fstest.MapFS{
	"course.yaml":         {Data: []byte("id: screens\ntitle: Screens\n")},
	"tutorials/screen.md": {Data: []byte("---\ntitle: A machine with a screen\nguests: {box: {image: debian-12, desktop: true, user: student}}\n---\n\n## Look at it\n\nChoose **Desktop**, and type.\n")},
	"tutorials/plain.md":  {Data: []byte("---\ntitle: A machine without\nguests: {box: {image: debian-12}}\n---\n\n## Work\n\nIn the terminal.\n")},
}

func main() {
	log.SetFlags(0)
	listen := flag.String("listen", "127.0.0.1:8098", "address to serve on")
	blind := flag.Bool("blind", false, "guests have no screens, whatever the course says")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *listen, *blind); err != nil {
		log.Fatal(err)
	}
}

// sightless hides that the simulated guests have screens.
type sightless struct{ vmbackend.Backend }

// cutAll ends all connections to all guests, as a broken network would.
func cutAll(ctx context.Context, b *simulated.Backend) {
	all, err := b.List(ctx)
	if err != nil {
		log.Print(err)
	}
	for _, g := range all {
		b.DropConnections(g.ID)
	}
}

func serve(ctx context.Context, listen string, blind bool) error {
	dir, err := os.MkdirTemp("", "labmark-screens-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	loaded, findings := content.Load(course)
	for _, f := range findings {
		log.Print(f)
	}
	faults := &simulated.Faults{}
	guests, err := simulated.New(simulated.Options{Dir: dir + "/guests", Faults: faults})
	if err != nil {
		return err
	}
	defer guests.Close()
	levers := make(chan os.Signal, 1)
	signal.Notify(levers, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() { // ends with the process
		for lever := range levers {
			faults.Clear()
			if lever == syscall.SIGUSR1 {
				faults.Add(simulated.Fault{Call: simulated.Show, Err: errors.New("the network is cut")})
				cutAll(ctx, guests)
			}
		}
	}()
	var backend vmbackend.Backend = guests
	if blind {
		backend = sightless{guests}
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	s, err := server.New(ctx, server.Config{
		DataDir: dir, Courses: []*content.Course{loaded}, Backend: backend, Demo: true,
		Image:     func(string) (string, error) { return "sha256:" + strings.Repeat("a", 64), nil },
		PublicURL: &url.URL{Scheme: "http", Host: l.Addr().String()},
		Log:       slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Serve(ctx, l)
}
