package ltitest

import (
	"bytes"
	"cmp"
	"embed"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The pages, for people and for browser tests. What a test may rely on:
//
//	/                        button[data-user=USERNAME] signs in as that person
//	/courses/N               a[data-activity=TITLE] opens an activity: embedded, in iframe#tool
//	                         of the next page, or in a new window (data-opens="embedded" or "window");
//	                         teachers: a[data-add=many], a[data-add=assignment] (Canvas),
//	                         a[data-grades], and for everybody a[data-privacy]
//	/courses/N/grades        td[data-grade][data-user=USERNAME][data-activity=TITLE], which holds the
//	                         grade or nothing, follows the gradebook without a reload, and has
//	                         a[data-review] to the submission review
//	/admin                   input[name=registration] + button[data-register]: dynamic registration in
//	                         iframe#tool, left by org.imsglobal.lti.close; tr[data-tool=CLIENT_ID] with
//	                         data-state=pending or active and button[data-activate], button[data-remove];
//	                         form#by-hand; form#canvas-json (Canvas)
//	/control                 form#faults with fields named as in Faults, button[data-apply],
//	                         button[data-heal]; button[data-do=rotate], rotate-silently, lose-key, revoke
//
// The body has data-page. A tool's frame is named tool_content; with Canvas
// there is also the storage's frame, named as lti_storage_target says.

//go:embed pages
var pageFiles embed.FS

var pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{
	"points": func(f *float64) string { return strconv.FormatFloat(*f, 'f', -1, 64) },
	"number": func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) },
}).ParseFS(pageFiles, "pages/*.html"))

// view is what every page shows around its own matter.
type view struct {
	Page, Title string
	Kind, Name  string // "Moodle" or "Canvas"; of the installation
	Moodle      bool
	Me          *User
	Teacher     bool
	Course      *Course
	CourseURL   string
	Storage     string // name of the storage's frame, where the page is to have one
	Answers     bool   // whether the page answers tools' messages
	It          any
}

func (p *Platform) pageRoutes(mux *http.ServeMux) {
	mux.Handle("GET /pages/", http.FileServerFS(pageFiles))
	mux.HandleFunc("GET /{$}", p.showHome)
	mux.HandleFunc("POST /who", p.takeWho)
	mux.HandleFunc("GET /launch", p.showLaunch)
	mux.HandleFunc("GET /storage", p.showStorage)
	mux.HandleFunc("GET /courses/{course}", p.showCourse)
	mux.HandleFunc("GET /courses/{course}/activity", p.showActivity)
	mux.HandleFunc("GET /courses/{course}/add", p.teachers(p.showAdd))
	mux.HandleFunc("GET /courses/{course}/grades", p.teachers(p.showGrades))
	mux.HandleFunc("GET /courses/{course}/review", p.teachers(p.showReview))
	mux.HandleFunc("GET /courses/{course}/privacy", p.showPrivacy)
	if p.cfg.Kind == Canvas {
		mux.HandleFunc("POST /courses/{course}/deep_linking_response", p.returnLinking)
		mux.HandleFunc("GET /courses/{course}/back", p.showBack)
	} else {
		mux.HandleFunc("POST /mod/lti/contentitem_return.php", p.returnLinking)
		mux.HandleFunc("GET /mod/lti/return.php", p.showBack)
	}
	p.adminRoutes(mux)
}

// cookie names who has signed in. Cookies know no ports, so that two pretend
// platforms of one host need two names.
func (p *Platform) cookie() string {
	return "pretend_" + string(p.cfg.Kind) + "_" + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, strings.ToLower(p.cfg.Host))
}

// view begins a page for who has signed in, in the course of the address.
func (p *Platform) view(r *http.Request, page, title string) view {
	v := view{Page: page, Title: title, Kind: p.cfg.Kind.title(), Moodle: p.cfg.Kind == Moodle, Name: p.cfg.Name}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c, err := r.Cookie(p.cookie()); err == nil {
		if u := p.user(c.Value); u != nil {
			copied := *u
			v.Me = &copied
		}
	}
	number := cmp.Or(r.PathValue("course"), r.URL.Query().Get("course"))
	if c := p.courseAt(number); c != nil {
		copied := *c
		v.Course, v.CourseURL = &copied, "/courses/"+number
		if v.Me != nil {
			v.Teacher = teaches(c.roles[v.Me.ID])
		}
	}
	v.Answers = p.cfg.Kind == Canvas && !p.faults.NoStorage
	if p.cfg.Storage != "_parent" {
		v.Storage = p.cfg.Storage
	}
	return v
}

func teaches(roles []string) bool {
	return slices.ContainsFunc(roles, func(r string) bool { return r != "Learner" })
}

func (p *Platform) render(w http.ResponseWriter, status int, v view) {
	var page bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&page, v.Page, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	write(w, page.Bytes())
}

// complain is the page for what went wrong.
func (p *Platform) complain(w http.ResponseWriter, r *http.Request, status int, why string) {
	v := p.view(r, "complaint", "That did not work")
	v.It = why
	p.render(w, status, v)
}

// teachers lets only those in who teach the course of the address.
func (p *Platform) teachers(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !p.view(r, "", "").Teacher {
			p.complain(w, r, http.StatusForbidden, "Only those who teach this course see this page. Choose somebody else first.")
			return
		}
		serve(w, r)
	}
}

func (p *Platform) showHome(w http.ResponseWriter, r *http.Request) {
	type role struct {
		User
		Roles []string
	}
	v := p.view(r, "home", "Who are you?")
	var people []role
	p.mu.Lock()
	for _, u := range p.users {
		entry := role{User: *u}
		for _, c := range p.courses {
			for _, name := range c.roles[u.ID] {
				if !slices.Contains(entry.Roles, name) {
					entry.Roles = append(entry.Roles, name)
				}
			}
		}
		people = append(people, entry)
	}
	p.mu.Unlock()
	v.It = struct {
		People  []role
		Courses []Course
		Next    string
	}{people, p.Courses(), r.URL.Query().Get("next")}
	p.render(w, http.StatusOK, v)
}

func (p *Platform) takeWho(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	u := p.user(r.PostFormValue("user"))
	p.mu.Unlock()
	if u == nil {
		p.complain(w, r, http.StatusBadRequest, "There is no such person.")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: p.cookie(), Value: u.ID, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	next := r.PostFormValue("next")
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") {
		next = "/"
		if courses := p.Courses(); len(courses) == 1 {
			next = "/courses/" + strconv.Itoa(courses[0].Number)
		}
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}
