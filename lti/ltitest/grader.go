package ltitest

import (
	"mime"
	"net/http"
	"strconv"
)

// problem is a refusal by a service.
type problem struct {
	status int
	text   string
}

func (p *Platform) fail(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if p.cfg.Kind == Canvas {
		answer(w, status, map[string]any{"errors": map[string]any{"type": http.StatusText(status), "message": text}})
		return
	}
	answer(w, status, map[string]any{"status": status, "reason": text})
}

// grader is whom a request to the grade services comes from, and where to.
type grader struct {
	tool   *Tool
	course *Course
	item   *lineItem // nil for the list
}

// grader checks token, media type and address. Where it says no, the answer
// has been written.
func (p *Platform) grader(w http.ResponseWriter, r *http.Request, media string, scopes ...string) (g grader, ok bool) {
	if text := p.wrongMedia(r, media); text != "" {
		p.fail(w, http.StatusBadRequest, text)
		return g, false
	}
	t, may := p.bearer(r, scopes...)
	if t == nil || !may {
		w.Header().Set("WWW-Authenticate", `Bearer realm="pretend-`+string(p.cfg.Kind)+`"`)
		p.fail(w, http.StatusUnauthorized, "the token is missing, expired, or lacks the scope")
		return g, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	g = grader{tool: t, course: p.courseAt(r.PathValue("course"))}
	if g.course == nil {
		p.fail(w, http.StatusNotFound, "Not Found: the course doesn't exist")
		return g, false
	}
	// Moodle's addresses name the tool in their query.
	if p.cfg.Kind == Moodle && r.URL.Query().Get("type_id") != strconv.Itoa(t.Number) && r.PathValue("type") != strconv.Itoa(t.Number) {
		p.fail(w, http.StatusForbidden, "type_id is missing or another tool's")
		return g, false
	}
	number := r.PathValue("item")
	if number == "" {
		return g, true
	}
	g.item = find(p.items, func(i *lineItem) bool { return strconv.Itoa(i.number) == number && i.course == g.course.ID })
	switch {
	case g.item == nil:
		p.fail(w, http.StatusNotFound, "Not Found: line item "+number+" doesn't exist")
		return g, false
	case g.item.client != t.ClientID && p.cfg.Kind == Moodle:
		p.fail(w, http.StatusForbidden, "Line item does not exist.")
		return g, false
	case g.item.client != t.ClientID:
		p.fail(w, http.StatusNotFound, "The specified resource does not exist.")
		return g, false
	}
	return g, true
}

// wrongMedia says what is wrong with Accept or Content-Type. Moodle takes
// nothing but exactly the type; Canvas reads whatever it knows as JSON.
func (p *Platform) wrongMedia(r *http.Request, media string) string {
	name, got := "Accept", r.Header.Get("Accept")
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		name, got = "Content-Type", r.Header.Get("Content-Type")
	}
	if p.cfg.Kind == Moodle {
		if got != media && media != "" {
			return name + " must be exactly " + media + ", not " + strconv.Quote(got)
		}
		return ""
	}
	if kind, _, err := mime.ParseMediaType(got); name == "Content-Type" && (err != nil || kind != media && kind != "application/json") {
		return "Content-Type must be " + media
	}
	return ""
}
