package preview_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/preview"
	"github.com/labmark/labmark/vmbackend/simulated"
)

// long is a tutorial of about 200 blocks.
func long() string {
	var b strings.Builder
	b.WriteString("---\ntitle: Long\nguests: {lab: {image: debian-12}}\nvars: {port: {int: 8000-8999}}\n---\n")
	for i := range 10 {
		fmt.Fprintf(&b, "\n## Step %[1]d\n\n:::task {#task-%[1]d title=\"Do thing %[1]d\"}\nUse {{port}}.\n\n```check {#check-%[1]d}\ntest -e /srv/%[1]d\n```\n\n"+
			"```solve {for=check-%[1]d}\ntouch /srv/%[1]d\n```\n:::\n", i)
		for j := range 15 {
			fmt.Fprintf(&b, "\nParagraph %d of *some* text with `code` and {{port}}.\n", j)
		}
	}
	return b.String()
}

// author is a client of a preview.
type author struct {
	b    *testing.B
	url  string
	http *http.Client
}

// newAuthor serves a course that is being written, and returns its author.
func newAuthor(b *testing.B, dir string) author {
	b.Helper()
	course, err := preview.Open(dir, "")
	must(b, err)
	backend, err := simulated.New(simulated.Options{Dir: b.TempDir()})
	must(b, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	public := &url.URL{Scheme: "http", Host: l.Addr().String()}
	data, err := os.MkdirTemp("", "lm") // a socket's path must be short
	must(b, err)
	srv, err := server.New(b.Context(), server.Config{DataDir: data, Preview: course, Courses: course.Courses(), Backend: backend,
		Image: func(string) (string, error) { return "", errors.New("no image") }, PublicURL: public,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	must(b, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx, l) }()
	b.Cleanup(func() {
		stop()
		must(b, <-served)
		must(b, srv.Close())
		must(b, os.RemoveAll(data))
	})
	jar, _ := cookiejar.New(nil)
	return author{b, public.String(), &http.Client{Jar: jar}}
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (a author) page() string {
	answer, err := a.http.Get(a.url + "/courses/mine/long")
	must(a.b, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(a.b, err)
	return string(text)
}

// news are the "course" events.
func (a author) news() <-chan string {
	answer, err := a.http.Get(a.url + "/api/courses/mine/long/events")
	must(a.b, err)
	out := make(chan string, 100)
	go func() {
		defer answer.Body.Close()
		lines := bufio.NewScanner(answer.Body)
		for course := false; lines.Scan(); {
			if course {
				out <- lines.Text()
			}
			course = lines.Text() == "event: course"
		}
	}()
	return out
}

// BenchmarkSaveRatio takes turns: from a save to the new page, at a client, and
// one bare Load of the same course.
func BenchmarkSaveRatio(b *testing.B) {
	dir := b.TempDir()
	file := dir + "/tutorials/long.md"
	must(b, os.Mkdir(dir+"/tutorials", 0o755))
	must(b, os.WriteFile(dir+"/course.yaml", []byte("id: mine\ntitle: Mine\n"), 0o644))
	must(b, os.WriteFile(file, []byte(long()), 0o644))
	a := newAuthor(b, dir)
	a.page()
	news := a.news()
	<-news // how things stand
	var saves, loads, ratios []float64
	for i := 0; b.Loop(); i++ {
		version := fmt.Sprintf("Version %d.", i)
		begun := time.Now()
		must(b, os.WriteFile(file, []byte(long()+"\n"+version+"\n"), 0o644))
		<-news
		for !strings.Contains(a.page(), version) { // the news may be of a half-written file
			<-news
		}
		save := float64(time.Since(begun))
		begun = time.Now()
		content.Load(os.DirFS(dir))
		load := float64(time.Since(begun))
		saves, loads, ratios = append(saves, save), append(loads, load), append(ratios, save/load)
	}
	for unit, all := range map[string][]float64{"save-ns": saves, "load-ns": loads, "ratio": ratios} {
		slices.Sort(all)
		b.ReportMetric(all[len(all)/2], unit)
	}
}
