package lti

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// list reads all pages of a list and gives each one's body to take. A page
// that can't be reached or understood fails the whole: half a roster would
// look as if the other half had left.
func (c *Client) list(ctx context.Context, p Platform, k call, take func([]byte) error) error {
	seen := map[string]bool{}
	for range servicePages {
		seen[k.url] = true
		a, err := c.do(ctx, p, k)
		if err != nil {
			return err
		}
		if err := take(a.body); err != nil {
			return garbled(k, a, err)
		}
		next, err := nextPage(a.url, a.header.Values("Link"))
		if err == nil && seen[next] {
			err = fmt.Errorf("the link to the next page leads back to %s", bare(next))
		}
		if err != nil {
			return &ServiceError{Op: k.op, URL: bare(k.url), Status: a.status, Err: err, kind: Refused}
		}
		if next == "" {
			return nil
		}
		k.url = next
	}
	return &ServiceError{Op: k.op, URL: bare(k.url), Err: fmt.Errorf("more than %d pages", servicePages), kind: Refused}
}

// nextPage finds the link with rel=next in Link headers (RFC 8288), as
// platforms write them: Moodle has curly quotes and "&amp;". Empty if there is
// none. The token goes with it, so it must not lead to another host.
func nextPage(from *url.URL, headers []string) (string, error) {
	for _, h := range headers {
		links, err := parseLinks(h)
		if err != nil && strings.Contains(strings.ToLower(h), "next") {
			return "", err
		}
		for _, l := range links {
			if !l.next {
				continue
			}
			to, err := url.Parse(strings.ReplaceAll(l.target, "&amp;", "&"))
			if err != nil || l.target == "" {
				return "", fmt.Errorf("the link to the next page can't be read: %q", bare(l.target))
			}
			to = from.ResolveReference(to)
			to.Fragment = ""
			if to.User != nil || originOf(to) != originOf(from) {
				return "", fmt.Errorf("the next page is on another host, %q", to.Host)
			}
			return to.String(), nil
		}
	}
	return "", nil
}

// pageLink is one entry of a Link header.
type pageLink struct {
	target string
	next   bool
}

var straight = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "‘", `"`, "’", `"`)

// parseLinks reads one Link header: <address>; name=value; …, <address>; …
func parseLinks(header string) ([]pageLink, error) {
	var out []pageLink
	rest := strings.TrimSpace(straight.Replace(header))
	for rest != "" {
		if rest[0] != '<' {
			return out, errors.New("the Link header is malformed: an address must stand in < and >")
		}
		target, after, ok := strings.Cut(rest[1:], ">")
		if !ok {
			return out, errors.New("the Link header is malformed: an address does not end")
		}
		var params string
		if params, rest, ok = cutOutsideQuotes(after); !ok {
			return out, errors.New("the Link header is malformed: a quote does not end")
		}
		out = append(out, pageLink{strings.TrimSpace(target), isNext(params)})
	}
	return out, nil
}

// cutOutsideQuotes splits at the first comma that no quotes enclose.
func cutOutsideQuotes(s string) (before, after string, ok bool) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return s[:i], strings.TrimLeft(s[i:], ", \t"), true
		}
	}
	return s, "", !quoted
}

// isNext looks for rel=next among a link's parameters; rel may name several
// relations.
func isNext(params string) bool {
	for _, param := range strings.Split(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "rel") {
			continue
		}
		for _, rel := range strings.Fields(strings.Trim(strings.TrimSpace(value), `"`)) {
			if strings.EqualFold(rel, "next") {
				return true
			}
		}
		return false // only the first counts, RFC 8288 section 3.3
	}
	return false
}

// text is a JSON string, or a number where a platform sends that instead.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err == nil {
		if s != nil {
			*t = text(*s)
		}
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return errors.New("neither text nor a number")
	}
	*t = text(n)
	return nil
}
