package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/sample"
)

// launches are the pages of a launch. The query says in whose frame ("frame",
// an origin) they stand and which frame keeps values for tools ("store").
func (d *demo) launches(s *stage) {
	store := func(r *http.Request) *themes.StoreView {
		q := r.URL.Query()
		if !q.Has("store") {
			return nil
		}
		return &themes.StoreView{Target: q.Get("store"), Origin: q.Get("frame"), Key: "labmark-s1", Value: "s3cret"}
	}
	d.draw("GET /at/7Q2XK/tutorial", func(r *http.Request, n string) themes.Page {
		return sample.Embedded(n, r.URL.Query().Get("frame"), s.guest())
	})
	d.draw("GET /at/7Q2XK/progress", func(r *http.Request, n string) themes.Page { return progress(n, r.URL.Query().Get("frame")) })
	d.draw("GET /lti/continue", func(r *http.Request, n string) themes.Page { return sample.Continue(n, store(r)) })
	d.draw("GET /lti/storage", func(r *http.Request, n string) themes.Page {
		v := *store(r)
		v.Value = ""
		return sample.Storage(n, v)
	})
	d.draw("GET /lti/return", func(r *http.Request, n string) themes.Page {
		return sample.Return(n, r.URL.Query().Get("to")+"/return")
	})
	d.page("/lti/close", func(n string) themes.Page { return sample.Close(n) })
	d.page("/lti/privacy", func(n string) themes.Page { return sample.Privacy(n) })
	d.page("/lti/refused", func(n string) themes.Page { return sample.Refused(n) })
	d.draw("GET /lti/pick", func(r *http.Request, n string) themes.Page { return sample.Pick(n, !r.URL.Query().Has("single")) })
	for _, path := range []string{"POST /lti/pick", "POST /lti/login", "POST /lti/launch", "GET /lti/went-on"} {
		d.HandleFunc(path, echo)
	}
}

func progress(nonce, origin string) themes.ProgressPage {
	p := sample.Progress(nonce)
	p.Layout = sample.Launched(p.Layout, origin)
	for i, state := range []string{"sent", "waiting", "refused"} {
		g := sample.Grade(state)
		p.Courses[0].Tutorials[i].Grade = &g
	}
	return p
}

// teaching are the pages of those who teach and of administrators. Whatever
// their forms post is said back.
func (d *demo) teaching(s *stage) {
	d.page("/teach/class", func(n string) themes.Page { return sample.Class(n, 140, 20) })
	d.page("/teach/class/small", func(n string) themes.Page { return sample.Class(n, 3, 5) })
	d.HandleFunc("GET "+sample.ClassEvents, s.serveEvents)
	d.page("/teach/student", func(n string) themes.Page { return sample.Student(n) })
	d.page("/teach/check", func(n string) themes.Page { return sample.Check(n) })
	d.page("/teach/outbox", func(n string) themes.Page { return sample.Outbox(n) })
	d.page("/teach/settings", func(n string) themes.Page { return sample.Settings(n) })
	d.page("/teach/preview", func(n string) themes.Page { return sample.Preview(n) })
	d.page("/admin/platforms", func(n string) themes.Page { return sample.Platforms(n) })
	d.page("/admin/platforms/1", func(n string) themes.Page { return sample.Platform(n) })
	d.page("/admin/nodes", func(n string) themes.Page { return sample.Nodes(n) })
	d.page("/admin/guests", func(n string) themes.Page { return sample.Guests(n) })
	d.page("/admin/audit", func(n string) themes.Page { return sample.Audit(n) })
	d.page("/admin/courses", func(n string) themes.Page { return sample.Sources(n) })
	d.HandleFunc("POST /teach/", echo)
	d.HandleFunc("POST /admin/", echo)
}

// echo says back which fields came, by name.
func echo(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // what cannot be read is not said
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "frame-ancestors *")
	fmt.Fprintf(w, "%s %s\n", r.Method, r.URL.Path)
	for _, name := range slices.Sorted(maps.Keys(r.Form)) {
		for _, v := range r.Form[name] {
			fmt.Fprintf(w, "%s=%s\n", name, v)
		}
	}
}

// classEvent is what the levers of that name send.
func classEvent(kind string) any {
	at := time.Now()
	sent := sample.Grade("sent")
	sent.SentAt = &at
	switch kind {
	case "cell":
		return themes.CellEvent{User: "u16", Check: "c0", Cell: themes.CellView{State: "pass", Won: 1, Points: 1, Attempts: 2, Href: "/teach/student#attempt-a2"}}
	case "row":
		return themes.RowView{User: "u16", Name: "Quentin Castillo", Href: "/teach/student", Points: 1, Grade: sent, Running: true, LastSeen: &at}
	}
	return sent
}
