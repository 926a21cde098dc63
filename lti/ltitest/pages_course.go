package ltitest

import (
	"net/http"
	"net/url"
	"strconv"
)

// framed is a page around the tool's frame.
type framed struct {
	Frame   string // address that the frame begins with
	Link    *Link
	Closing bool // leave on org.imsglobal.lti.close
}

// enter gives the view of a course's page, or has sent who is not signed in
// to choose.
func (p *Platform) enter(w http.ResponseWriter, r *http.Request, page, title string) (view, bool) {
	v := p.view(r, page, title)
	if v.Me == nil {
		http.Redirect(w, r, "/?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return v, false
	}
	if v.Course == nil {
		p.complain(w, r, http.StatusNotFound, "There is no such course.")
		return v, false
	}
	return v, true
}

func (p *Platform) showCourse(w http.ResponseWriter, r *http.Request) {
	v, ok := p.enter(w, r, "course", "")
	if !ok {
		return
	}
	v.Title = v.Course.Title
	v.It = struct {
		Links []Link
		Added string
		Tools []Tool
	}{p.Links(v.Course.ID), r.URL.Query().Get("added"), p.Tools()}
	p.render(w, http.StatusOK, v)
}

// launchPath is where a frame or window begins a launch.
func launchPath(m Message) string {
	q := url.Values{"type": {m.Type}}
	for name, value := range map[string]string{"link": m.Link, "context": m.Course, "client": m.Client, "for": m.ForUser} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if m.Single {
		q.Set("single", "1")
	}
	return "/launch?" + q.Encode()
}

func (p *Platform) showActivity(w http.ResponseWriter, r *http.Request) {
	v, ok := p.enter(w, r, "frame", "")
	if !ok {
		return
	}
	p.mu.Lock()
	l := p.link(r.URL.Query().Get("link"))
	var copied Link
	if l != nil {
		copied = *l
	}
	p.mu.Unlock()
	if l == nil {
		p.complain(w, r, http.StatusNotFound, "There is no such activity.")
		return
	}
	v.Title = copied.Title
	v.It = framed{Frame: launchPath(Message{Type: ResourceLink, Link: copied.ID}), Link: &copied}
	p.render(w, http.StatusOK, v)
}

func (p *Platform) showAdd(w http.ResponseWriter, r *http.Request) {
	single := r.URL.Query().Get("single") != ""
	v, ok := p.enter(w, r, "frame", "Add activities")
	if !ok {
		return
	}
	if single {
		v.Title = "Add an assignment"
	}
	v.It = framed{Frame: launchPath(Message{Type: DeepLinking, Course: v.Course.ID, Client: r.URL.Query().Get("client"), Single: single})}
	p.render(w, http.StatusOK, v)
}

func (p *Platform) showReview(w http.ResponseWriter, r *http.Request) {
	v, ok := p.enter(w, r, "frame", "Review")
	if !ok {
		return
	}
	q := r.URL.Query()
	p.mu.Lock()
	if u := p.user(q.Get("user")); u != nil {
		v.Title = "Review of " + u.Name()
	}
	p.mu.Unlock()
	v.It = framed{Frame: launchPath(Message{Type: SubmissionReview, Link: q.Get("link"), ForUser: q.Get("user")})}
	p.render(w, http.StatusOK, v)
}

func (p *Platform) showPrivacy(w http.ResponseWriter, r *http.Request) {
	v, ok := p.enter(w, r, "frame", "What the tool keeps about you")
	if !ok {
		return
	}
	v.It = framed{Frame: launchPath(Message{Type: DataPrivacy, Course: v.Course.ID, ForUser: v.Me.ID})}
	p.render(w, http.StatusOK, v)
}

// showLaunch posts the login initiation of who has signed in, from the frame
// or window in which the tool is to be.
func (p *Platform) showLaunch(w http.ResponseWriter, r *http.Request) {
	v := p.view(r, "", "")
	if v.Me == nil {
		http.Redirect(w, r, "/?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return
	}
	q := r.URL.Query()
	login, form, err := p.Initiation(Message{
		Type: q.Get("type"), User: v.Me.ID, Link: q.Get("link"), Course: q.Get("context"), Client: q.Get("client"),
		ForUser: q.Get("for"), Single: q.Get("single") != "",
	})
	if err != nil {
		p.complain(w, r, http.StatusBadRequest, err.Error())
		return
	}
	writeForm(w, "ltiInitiateLoginForm", login, form)
}

// returnLinking takes a deep linking response, in the tool's frame.
func (p *Platform) returnLinking(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	key := q.Get("sesskey")
	if p.cfg.Kind == Canvas {
		key = q.Get("session")
	}
	added, say, err := p.takeLinking(r.Context(), key, r.PostFormValue("JWT"))
	if err != nil {
		p.complain(w, r, http.StatusBadRequest, "The tool's answer was refused: "+err.Error())
		return
	}
	v := p.view(r, "picked", "Added")
	v.It = struct {
		Added []Link
		Say   string
		Back  string
	}{added, say, v.CourseURL + "?added=" + strconv.Itoa(len(added))}
	p.render(w, http.StatusOK, v)
}

// showBack is where a tool leads back to; it leaves the frame.
func (p *Platform) showBack(w http.ResponseWriter, r *http.Request) {
	v := p.view(r, "back", "Back")
	p.render(w, http.StatusOK, v)
}

// showStorage is the frame that keeps data for tools (Platform Storage 0.1).
func (p *Platform) showStorage(w http.ResponseWriter, r *http.Request) {
	p.render(w, http.StatusOK, p.view(r, "storage", "Storage"))
}

func (p *Platform) showGrades(w http.ResponseWriter, r *http.Request) {
	v, ok := p.enter(w, r, "grades", "Gradebook")
	if !ok {
		return
	}
	type row struct {
		User
		Cells []Cell
	}
	var columns []Column
	for _, c := range p.Gradebook() {
		if c.Course == v.Course.ID {
			columns = append(columns, c)
		}
	}
	var rows []row
	p.mu.Lock()
	for _, u := range p.users {
		if !gradable(v.Course, u) {
			continue
		}
		line := row{User: *u}
		for _, c := range columns {
			line.Cells = append(line.Cells, c.Cells[u.ID])
		}
		rows = append(rows, line)
	}
	p.mu.Unlock()
	v.It = struct {
		Columns []Column
		Rows    []row
	}{columns, rows}
	p.render(w, http.StatusOK, v)
}
