// Command demo serves all pages with sample data and plays the server: its
// machine boots in a second, its terminal is a toy, and its checks look at what
// was typed there. It is for working on pages, and for the browser tests that
// need a server to misbehave on demand (see "POST /demo/…"). Nothing is real,
// nothing is kept, and everybody who asks shares it.
//
//	go run ./themes/demo -listen 127.0.0.1:8099
package main

import (
	"crypto/rand"
	"flag"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/sample"
)

func main() {
	log.SetFlags(0)
	listen := flag.String("listen", "127.0.0.1:8099", "address to serve on")
	boot := flag.Duration("boot", time.Second, "how long the machine boots")
	flag.Parse()
	theme, err := themes.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on http://%s", l.Addr())
	server := &http.Server{Handler: routes(theme, newStage(*boot)), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.Serve(l))
}

// routes are the pages, the API and the levers of tests.
func routes(theme *themes.Theme, s *stage) http.Handler {
	mux := http.NewServeMux()
	page := func(pattern string, make func(nonce string) themes.Page) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			nonce := rand.Text()
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", themes.ContentSecurityPolicy(themes.Policy{Nonce: nonce}))
			p := make(nonce)
			if e, ok := p.(themes.ErrorPage); ok {
				w.WriteHeader(e.Status)
			}
			if err := theme.Render(w, p); err != nil {
				log.Print(err)
			}
		})
	}
	page("GET /{$}", func(n string) themes.Page { return sample.Courses(n) })
	page("GET /login", func(n string) themes.Page { return sample.Login(n, false) })
	page("POST /login", func(n string) themes.Page { return sample.Login(n, true) })
	page("GET /courses/linux-essentials", func(n string) themes.Page { return sample.Course(n) })
	page("GET /courses/linux-essentials/files", func(n string) themes.Page { return sample.Tutorial(n, s.guest()) })
	page("GET /courses/linux-essentials/permissions", func(n string) themes.Page { return sample.Tutorial(n, s.guest(), "web", "db") })
	page("GET /progress", func(n string) themes.Page { return sample.Progress(n) })
	page("GET /", func(n string) themes.Page { return sample.Error(n) })
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusSeeOther) }
	}
	mux.HandleFunc("POST /login/demo", redirect("/"))
	mux.HandleFunc("POST /logout", redirect("/login"))
	mux.Handle("GET /assets/", theme.Assets())

	mux.HandleFunc("GET "+sample.API+"/events", s.serveEvents)
	mux.HandleFunc("POST "+sample.API+"/guest/{what}", s.serveGuest)
	mux.HandleFunc("POST "+sample.API+"/checks/{check}", s.serveCheck)
	mux.HandleFunc("POST "+sample.API+"/hints/{hint}", s.serveHint)
	mux.HandleFunc("POST "+sample.API+"/solutions/{check}", s.serveSolution)
	mux.HandleFunc("GET "+sample.API+"/terminal", s.serveTerminal)
	mux.HandleFunc("POST /demo/{lever}", s.serveLever)
	return mux
}
