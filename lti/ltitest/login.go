package ltitest

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// hint is what an lti_message_hint stands for.
type hint struct {
	message Message
	client  string
	made    time.Time
	used    bool
}

// Initiation is a third-party-initiated login (Security Framework 1.0,
// section 5.1.1.1): the address of the tool, and what is posted there.
func (p *Platform) Initiation(m Message) (login string, form url.Values, err error) {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	who, err := p.resolve(m)
	if err != nil {
		return "", nil, err
	}
	form = url.Values{
		"iss": {p.cfg.Issuer}, "target_link_uri": {p.target(who)}, "login_hint": {who.user.ID},
		"client_id": {who.tool.ClientID}, "lti_deployment_id": {who.tool.Deployments[0]},
	}
	// Moodle's hint is raw JSON; Canvas's has the shape of a token.
	raw, err := json.Marshal(map[string]string{"cmid": m.Link, "launchid": "ltilaunch_" + randomHex(6)})
	if err != nil {
		return "", nil, err
	}
	text := string(raw)
	if p.cfg.Kind == Canvas {
		text = encode64([]byte(`{"typ":"JWT","alg":"HS256"}`)) + "." + encode64(raw) + "." + randomHex(20)
		form.Set("deployment_id", who.tool.Deployments[0])
		form.Set("canvas_region", "us-east-1")
		form.Set("canvas_environment", "prod")
		form.Set("lti_storage_target", p.cfg.Storage)
	}
	form.Set("lti_message_hint", text)
	for old, h := range p.hints {
		if now.Sub(h.made) > time.Hour {
			delete(p.hints, old)
		}
	}
	p.hints[text] = &hint{message: m, client: who.tool.ClientID, made: now}
	return who.tool.LoginURL, form, nil
}

// authRefusal is why an authorisation was refused: back to the tool where its
// address can be trusted, else to the person.
type authRefusal struct{ code, description string }

func (e *authRefusal) Error() string { return e.code + ": " + e.description }

// Authorise takes the parameters of an authentication request (Security
// Framework 1.0, section 5.1.1.2) as the endpoint does, and gives the form
// that the browser posts to the tool's redirect_uri. An error means that the
// request could not be trusted, so that the person sees it and not the tool.
func (p *Platform) Authorise(q url.Values) (redirect string, form url.Values, err error) {
	redirect = q.Get("redirect_uri")
	p.mu.Lock()
	t := p.tool(q.Get("client_id"))
	known := t != nil && slices.Contains(t.LaunchURLs, redirect)
	p.mu.Unlock()
	if t == nil {
		return "", nil, fmt.Errorf("no tool has the client_id %q", q.Get("client_id"))
	}
	if !known {
		return "", nil, fmt.Errorf("redirect_uri %q is none of those that are registered", redirect)
	}
	form = url.Values{}
	if q.Has("state") {
		form.Set("state", q.Get("state"))
	}
	message, refused := p.judge(q)
	if refused != nil {
		form.Set("error", refused.code)
		form.Set("error_description", refused.description)
		return redirect, form, nil
	}
	claims, err := p.Claims(message, q.Get("nonce"))
	if err != nil {
		return "", nil, err
	}
	form.Set("id_token", p.Sign(claims))
	return redirect, form, nil
}

// judge finds the message that an authentication request asks for.
func (p *Platform) judge(q url.Values) (Message, *authRefusal) {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	refuse := func(code, description string) (Message, *authRefusal) {
		return Message{}, &authRefusal{code, description}
	}
	switch {
	case q.Get("scope") != "openid":
		return refuse("invalid_scope", "scope must be openid")
	case q.Get("response_type") != "id_token":
		return refuse("unsupported_response_type", "response_type must be id_token")
	case q.Get("response_mode") != "form_post":
		return refuse("invalid_request", "Invalid response_mode")
	case q.Get("nonce") == "":
		return refuse("invalid_request", "nonce is missing")
	case q.Get("prompt") != "none" && (p.cfg.Kind == Canvas || q.Get("prompt") != ""):
		return refuse("invalid_request", "Invalid prompt")
	case q.Get("lti_message_hint") == "":
		return refuse("invalid_request", "lti_message_hint is missing")
	case p.faults.LoginRequired:
		return refuse("login_required", "Must have an active user session")
	}
	h := p.hints[q.Get("lti_message_hint")]
	switch {
	case h == nil:
		return refuse("invalid_request", "lti_message_hint is not known")
	case h.used && p.cfg.Kind == Moodle:
		return refuse("invalid_request", "lti_message_hint has been used")
	case now.Sub(h.made) > 5*time.Minute:
		return refuse("launch_no_longer_valid", "The launch has either expired or already been consumed")
	case h.client != q.Get("client_id"):
		return refuse("unauthorized_client", "client_id does not match")
	case h.message.User != q.Get("login_hint"):
		return refuse("access_denied", "login_hint is somebody else")
	}
	h.used = true
	return h.message, nil
}

func (p *Platform) serveAuth(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	redirect, form, err := p.Authorise(r.Form)
	if err != nil {
		http.Error(w, "Pretend "+p.cfg.Kind.title()+" refuses the launch: "+err.Error(), http.StatusBadRequest)
		return
	}
	writeForm(w, "ltiAuthForm", redirect, form)
}

// posted is a page that posts a form by itself.
var posted = template.Must(template.New("posted").Parse(`<!DOCTYPE html><html lang="en"><title>One moment …</title><link rel="icon" href="data:,">
<form id="{{.ID}}" method="post" action="{{.Action}}">
{{range $name, $values := .Form}}{{range $values}}<input type="hidden" name="{{$name}}" value="{{.}}">
{{end}}{{end}}<noscript><button>Continue</button></noscript></form>
<script>document.forms[0].submit()</script></html>
`))

func writeForm(w http.ResponseWriter, id, action string, form url.Values) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	err := posted.Execute(w, struct {
		ID, Action string
		Form       url.Values
	}{id, action, form})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
