package ltitest

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (p *Platform) adminRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /admin", p.showAdmin)
	mux.HandleFunc("POST /admin/register", p.takeRegister)
	mux.HandleFunc("POST /admin/tools", p.takeByHand)
	mux.HandleFunc("POST /admin/json", p.takeJSON)
	mux.HandleFunc("POST /admin/activate", p.takeActivate)
	mux.HandleFunc("POST /admin/remove", p.takeRemove)
	mux.HandleFunc("GET /control", p.showControl)
	mux.HandleFunc("POST /control", p.takeControl)
}

func (p *Platform) showAdmin(w http.ResponseWriter, r *http.Request) {
	v := p.view(r, "admin", "Tools")
	v.It = struct {
		Tools                                   []Tool
		Issuer, AuthURL, TokenURL, KeysURL, Say string
	}{p.Tools(), p.cfg.Issuer, p.AuthURL(), p.TokenURL(), p.KeysURL(), r.URL.Query().Get("say")}
	p.render(w, http.StatusOK, v)
}

// takeRegister opens the tool's registration page in a frame, as both
// platforms do.
func (p *Platform) takeRegister(w http.ResponseWriter, r *http.Request) {
	to, err := p.RegistrationURL(strings.TrimSpace(r.PostFormValue("registration")))
	if err != nil {
		p.complain(w, r, http.StatusBadRequest, err.Error())
		return
	}
	v := p.view(r, "frame", "Register a tool")
	v.It = framed{Frame: to, Closing: true}
	p.render(w, http.StatusOK, v)
}

func (p *Platform) takeByHand(w http.ResponseWriter, r *http.Request) {
	t := Tool{Name: r.PostFormValue("name"), LoginURL: r.PostFormValue("login"), KeysURL: r.PostFormValue("keys")}
	t.LaunchURLs = strings.Fields(r.PostFormValue("launch"))
	if t.Name == "" || t.LoginURL == "" || t.KeysURL == "" || len(t.LaunchURLs) == 0 {
		p.complain(w, r, http.StatusBadRequest, "Name and all three addresses are needed.")
		return
	}
	p.AddTool(t)
	http.Redirect(w, r, "/admin", http.StatusSeeOther)
}

// takeJSON takes Canvas's configuration: the document itself, or where it is.
func (p *Platform) takeJSON(w http.ResponseWriter, r *http.Request) {
	text := strings.TrimSpace(r.PostFormValue("document"))
	if !strings.HasPrefix(text, "{") {
		response, err := p.http.Get(text)
		if err != nil {
			p.complain(w, r, http.StatusBadRequest, err.Error())
			return
		}
		defer response.Body.Close()
		body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		if err != nil {
			p.complain(w, r, http.StatusBadRequest, err.Error())
			return
		}
		text = string(body)
	}
	if _, err := p.AddCanvasJSON([]byte(text)); err != nil {
		p.complain(w, r, http.StatusBadRequest, err.Error())
		return
	}
	http.Redirect(w, r, "/admin", http.StatusSeeOther)
}

func (p *Platform) takeActivate(w http.ResponseWriter, r *http.Request) {
	if err := p.Activate(r.PostFormValue("client")); err != nil {
		p.complain(w, r, http.StatusBadRequest, err.Error())
		return
	}
	http.Redirect(w, r, "/admin", http.StatusSeeOther)
}

func (p *Platform) takeRemove(w http.ResponseWriter, r *http.Request) {
	p.RemoveTool(r.PostFormValue("client"))
	http.Redirect(w, r, "/admin", http.StatusSeeOther)
}

// shownRequests are how many of the last requests the control page lists.
const shownRequests = 30

func (p *Platform) showControl(w http.ResponseWriter, r *http.Request) {
	v := p.view(r, "control", "Faults")
	requests := p.Requests()
	requests = requests[max(0, len(requests)-shownRequests):]
	slices.Reverse(requests)
	f := p.Faults()
	v.It = struct {
		Faults
		Percent, LatePercent, LostPercent int
		LateMS, LatencyMS                 int64
		ClockMinutes                      int
		Tokens, KeySets, LinkFaults       []string
		Requests                          []Request
	}{
		f, int(f.Fail*100 + 0.5), int(f.Late*100 + 0.5), int(f.Lost*100 + 0.5), f.LateBy.Milliseconds(), f.Latency.Milliseconds(),
		int(f.Clock / time.Minute),
		[]string{string(GarbageToken), string(EmptyToken), string(InvalidClient), string(InvalidScope), string(HugeToken), string(NoScopes), string(DeadToken)},
		[]string{string(EmptyKeys), string(GarbageKeys), string(HugeKeys), string(SlowKeys), string(LoopingKeys), string(MissingKeys), string(WrongKid)},
		[]string{string(LoopingLinks), string(EndlessLinks), string(OffHostLinks), string(RelativeLinks), string(MalformedLinks)},
		requests,
	}
	p.render(w, http.StatusOK, v)
}

func (p *Platform) takeControl(w http.ResponseWriter, r *http.Request) {
	whole := func(name string) int {
		n, err := strconv.Atoi(r.PostFormValue(name))
		if err != nil {
			return 0 // an empty field is no fault
		}
		return n
	}
	on := func(name string) bool { return r.PostFormValue(name) != "" }
	switch r.PostFormValue("do") {
	case "rotate":
		p.RotateKeys(true)
	case "rotate-silently":
		p.RotateKeys(false)
	case "lose-key":
		p.LoseKey()
	case "revoke":
		p.RevokeTokens()
	case "heal":
		p.SetFaults(Faults{})
	default:
		p.SetFaults(Faults{
			Down: on("Down"), Cut: on("Cut"), LoginRequired: on("LoginRequired"), NoStorage: on("NoStorage"),
			Fail: float64(whole("Fail")) / 100, Late: float64(whole("Late")) / 100, Lost: float64(whole("Lost")) / 100,
			LateBy:  time.Duration(whole("LateBy")) * time.Millisecond,
			Latency: time.Duration(whole("Latency")) * time.Millisecond,
			Clock:   time.Duration(whole("Clock")) * time.Minute,
			Score:   whole("Score"),
			Token:   TokenFault(r.PostFormValue("Token")), KeySet: KeySetFault(r.PostFormValue("KeySet")),
			Links: LinkFault(r.PostFormValue("Links")),
		})
	}
	http.Redirect(w, r, "/control", http.StatusSeeOther)
}
