// Command demo serves all pages with sample data and plays the server: its
// machine boots in a second, its terminal is a toy, and its checks look at what
// was typed there. It is for working on pages, and for the browser tests that
// need a server to misbehave on demand (see "POST /demo/…"). Nothing is real,
// nothing is kept, and everybody who asks shares it.
//
//	go run ./themes/demo -listen 127.0.0.1:8099
//
// Pages are in the browser's language; ?language=de asks for another.
package main

import (
	"crypto/rand"
	"flag"
	"log"
	"net"
	"net/http"
	"reflect"
	"time"

	"golang.org/x/text/language"

	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/sample"
	"github.com/labmark/labmark/themes/words"
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
	server := &http.Server{Handler: routes(theme, newStage(*boot), newStage(*boot, sample.Machines...)), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.Serve(l))
}

// routes are the pages, the API and the levers of tests. One machine is on the
// first stage, several are on the second.
func routes(theme *themes.Theme, s, several *stage) http.Handler {
	d := &demo{ServeMux: http.NewServeMux(), theme: theme}
	mux := d.ServeMux
	d.page("/{$}", func(n string) themes.Page { return sample.Courses(n) })
	d.page("/login", func(n string) themes.Page { return sample.Login(n, false) })
	d.draw("POST /login", func(_ *http.Request, n string) themes.Page { return sample.Login(n, true) })
	d.page("/courses/linux-essentials", func(n string) themes.Page { return sample.Course(n) })
	d.page("/courses/linux-essentials/files", func(n string) themes.Page { return sample.Tutorial(n, s.guest()) })
	d.page("/courses/linux-essentials/permissions", func(n string) themes.Page { return sample.Tutorial(n, s.guest(), "web", "db") })
	d.page("/courses/linux-essentials/widgets", several.widgets)
	d.page("/courses/linux-essentials/prose", func(n string) themes.Page { return sample.Prose(n, s.guest()) })
	d.page("/progress", func(n string) themes.Page { return sample.Progress(n) })
	d.page("/", func(n string) themes.Page { return sample.Error(n) })
	d.launches(s)
	d.teaching(s)
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusSeeOther) }
	}
	mux.HandleFunc("POST /login/demo", redirect("/"))
	mux.HandleFunc("POST /logout", redirect("/login"))
	mux.Handle("GET /assets/", theme.Assets())

	for api, s := range map[string]*stage{sample.API: s, sample.WidgetsAPI: several} {
		mux.HandleFunc("GET "+api+"/events", s.serveEvents)
		mux.HandleFunc("POST "+api+"/guest/{what}", s.serveGuest)
		mux.HandleFunc("POST "+api+"/checks/{check}", s.serveCheck)
		mux.HandleFunc("POST "+api+"/steps/{step}", s.serveStep)
		mux.HandleFunc("POST "+api+"/files/{file}", s.serveFile)
		mux.HandleFunc("POST "+api+"/hints/{hint}", s.serveHint)
		mux.HandleFunc("POST "+api+"/solutions/{check}", s.serveSolution)
		mux.HandleFunc("GET "+api+"/terminal", s.serveTerminal)
	}
	mux.HandleFunc("POST /demo/{lever}", func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusNoContent
		for _, s := range []*stage{s, several} {
			if !s.pull(r.PathValue("lever")) {
				status = http.StatusNotFound
			}
		}
		w.WriteHeader(status)
	})
	return mux
}

// demo is a server of pages.
type demo struct {
	*http.ServeMux
	theme *themes.Theme
}

// page serves one that is always the same.
func (d *demo) page(path string, make func(nonce string) themes.Page) {
	d.draw("GET "+path, func(_ *http.Request, n string) themes.Page { return make(n) })
}

// draw serves one that may follow the request. Whoever asks says in the query
// which origin may frame it, and to which its form may go.
func (d *demo) draw(pattern string, make func(r *http.Request, nonce string) themes.Page) {
	d.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		policy := themes.Policy{Nonce: rand.Text(), Ancestors: q["frame"], FormTargets: q["to"]}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", themes.ContentSecurityPolicy(policy))
		p := make(r, policy.Nonce)
		if e, ok := p.(themes.ErrorPage); ok {
			w.WriteHeader(e.Status)
		}
		if err := d.theme.Render(w, in(speaks(r), p)); err != nil {
			log.Print(err)
		}
	})
}

// speaks is the language that a request wishes for: ?language=de, or the
// browser's.
func speaks(r *http.Request) string {
	if tag := r.URL.Query().Get("language"); tag != "" {
		return tag
	}
	accepted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(accepted) == 0 {
		return words.Source
	}
	return accepted[0].String()
}

// in is a page with its frame in a language. The samples know none, and each
// page is of a type of its own.
func in(tag string, p themes.Page) themes.Page {
	page := reflect.New(reflect.TypeOf(p)).Elem()
	page.Set(reflect.ValueOf(p))
	page.FieldByName("Layout").FieldByName("Language").SetString(tag)
	return page.Interface().(themes.Page)
}
