package lti

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Finding is what one step of a Probe has come to.
type Finding struct {
	Step  string
	OK    bool
	Found string // what was seen
	Mend  string // what to do about it; may be empty where OK
}

// Probe walks the chain from a platform's keys to its gradebook and says what
// is wrong with each link and how to mend it. lineItems is the URL of a
// context's line items; empty where no launch has told one yet.
func (c *Client) Probe(ctx context.Context, p Platform, lineItems string) []Finding {
	out := []Finding{c.probeKeys(ctx, p)}
	found, granted := c.probeToken(ctx, p)
	out = append(out, found...)
	switch {
	case lineItems == "":
		return append(out, Finding{"line items", true, "not tried: no launch has told their address yet",
			"Open Labmark once from a course of the platform, then test again."})
	case granted == nil:
		return append(out, Finding{"line items", false, "not tried: no token", "Mend the steps before."})
	}
	return append(out, c.probeLineItems(ctx, p, lineItems))
}

// probeKeys looks at the platform's key set, by which launches are verified.
func (c *Client) probeKeys(ctx context.Context, p Platform) Finding {
	f := Finding{Step: "key set"}
	a, err := c.send(ctx, call{op: "fetch the key set", method: http.MethodGet, url: p.KeysURL, accept: "application/json"}, "")
	var set struct {
		Keys []struct {
			Type string `json:"kty"`
			Use  string `json:"use"`
			N    string `json:"n"`
		} `json:"keys"`
	}
	usable := 0
	switch {
	case err != nil:
		f.Found, f.Mend = err.Error(), reachMend(err, "the platform's key set (JWKS) address")
		return f
	case a.status != http.StatusOK:
		f.Found = fmt.Sprintf("%s answers %d %s", bare(p.KeysURL), a.status, http.StatusText(a.status))
	case json.Unmarshal(a.body, &set) != nil:
		f.Found = fmt.Sprintf("%s does not answer with a JSON Web Key Set but with %q", bare(p.KeysURL), excerpt(a.body[:min(len(a.body), 80)]))
	default:
		for _, k := range set.Keys {
			// 2048 bits are 342 characters of base64.
			if k.Type == "RSA" && (k.Use == "" || k.Use == "sig") && len(k.N) >= 342 {
				usable++
			}
		}
		f.Found = fmt.Sprintf("%d keys, %d of them RSA keys of at least 2048 bits for signatures", len(set.Keys), usable)
	}
	if f.OK = usable > 0; !f.OK {
		f.Mend = "Compare the key set (JWKS) address with the one that the platform shows. Without a key no launch can be verified."
	}
	return f
}

// probeToken asks for a token of all scopes, or else of each one alone, and
// tells of the clock, the token and the scopes. It returns the scopes granted.
func (c *Client) probeToken(ctx context.Context, p Platform) (out []Finding, granted []string) {
	// A token from the cache would prove nothing.
	probe := &Client{HTTP: c.HTTP, Keys: c.Keys, Now: c.Now}
	_, granted, err := probe.grant(ctx, p, Scopes)
	if err == nil && granted == nil {
		granted = Scopes // what is not said is as asked, RFC 6749 section 5.1
	}
	if errors.Is(err, ErrScope) {
		var last error
		for _, s := range Scopes {
			if _, _, one := probe.grant(ctx, p, []string{s}); one == nil {
				granted = append(granted, s)
			} else {
				last = one
			}
		}
		if err = last; granted != nil {
			err = nil
		}
	}
	out = append(out, probe.clockFinding(p))
	if err != nil {
		return append(out, Finding{"token", false, err.Error(), tokenMend(err)}), nil
	}
	out = append(out, Finding{Step: "token", OK: true, Found: "granted by " + bare(p.TokenURL)})
	return append(out, scopeFinding(granted)), granted
}

func (c *Client) clockFinding(p Platform) Finding {
	c.mu.Lock()
	off, known := c.offset[p.TokenURL]
	c.mu.Unlock()
	f := Finding{Step: "clock", OK: true, Found: "the platform's clock agrees with this one"}
	ahead := "ahead of"
	if off < 0 {
		ahead = "behind"
	}
	switch {
	case !known:
		f.Found = "unknown: the token endpoint did not tell its time"
	case off != 0:
		f.Found = fmt.Sprintf("the platform's clock is %v %s this one", off.Abs().Round(time.Second), ahead)
		if f.OK = off.Abs() <= 30*time.Second; !f.OK {
			f.Mend = "Let this machine follow a time server (timedatectl shows whether it does). Launches last a minute at some platforms; more than five minutes are refused."
		}
	}
	return f
}

// uses says what each scope is for, and who grants it.
var uses = []struct{ scope, what, mend string }{
	{ScopeScore, "send grades", "grade"},
	{ScopeResult, "read grades back", "grade"},
	{ScopeLineItemReadOnly, "read gradebook columns", "grade"},
	{ScopeLineItem, "make gradebook columns", "grade"},
	{ScopeRoster, "read the roster", "roster"},
}

func scopeFinding(granted []string) Finding {
	has := func(s string) bool {
		return slices.Contains(granted, s) || s == ScopeLineItemReadOnly && slices.Contains(granted, ScopeLineItem)
	}
	var may, lacks, mend []string
	for _, u := range uses {
		if has(u.scope) {
			may = append(may, u.what)
			continue
		}
		lacks = append(lacks, u.what)
		how := `For grades: in Moodle, set "IMS LTI Assignment and Grade Services" of the tool to "Use this service for grade sync and column management"; in Canvas, tick the developer key's scopes of assignments and grades.`
		if u.mend == "roster" {
			how = `For the roster: in Moodle, set "IMS LTI Names and Role Provisioning" of the tool to "Use this service to retrieve members' information"; in Canvas, tick "Can retrieve user data associated with the context".`
		}
		if !slices.Contains(mend, how) {
			mend = append(mend, how)
		}
	}
	f := Finding{Step: "scopes", OK: len(lacks) == 0, Found: "may " + strings.Join(may, ", ")}
	if len(may) == 0 {
		f.Found = "may do nothing"
	}
	if !f.OK {
		f.Found += "; may not " + strings.Join(lacks, ", ")
		f.Mend = strings.Join(mend, " ")
	}
	return f
}

func (c *Client) probeLineItems(ctx context.Context, p Platform, url string) Finding {
	items, err := c.LineItems(ctx, p, url, LineItemFilter{})
	if err != nil {
		mend := "Look at what the platform answers, and at its own log."
		var e *ServiceError
		if errors.As(err, &e) && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden) {
			mend = "The platform gives a token and does not take it here: check that the tool is active, and may be used in this course."
		} else if errors.As(err, &e) && e.Kind() == Gone {
			mend = "The course is gone or closed at the platform. Open Labmark from a course that is running, then test again."
		}
		return Finding{"line items", false, err.Error(), mend}
	}
	return Finding{Step: "line items", OK: true, Found: fmt.Sprintf("%d readable at %s", len(items), bare(url))}
}

// tokenMend says what to do about a token that was not granted.
func tokenMend(err error) string {
	var e *ServiceError
	switch {
	case !errors.As(err, &e):
		return ""
	case errors.Is(err, ErrScope):
		return "The platform knows Labmark, and grants it no service. Switch on the services of the tool at the platform."
	case e.Status == 0:
		return reachMend(err, "the token address")
	case e.Status >= 500:
		return "The platform is in trouble itself. Try again later, or look at its log."
	case e.Status >= 400:
		return "The platform did not accept who Labmark is. Check the client id; that the platform can reach Labmark's key set (" + KeysPath +
			"), which it reads to verify the request; that the tool is active; and the clocks."
	case e.Status >= 300:
		return "Set the token address to where the platform sends to."
	}
	return "Compare the token address with the one that the platform shows: what answers there is no token endpoint."
}

// reachMend is for where no answer came.
func reachMend(err error, what string) string {
	var e *ServiceError
	if errors.As(err, &e) && e.kind == Refused {
		return "Correct " + what + ": it must begin with https://."
	}
	return "Check " + what + ", and that this machine may reach it: names (DNS), firewall, certificate."
}
