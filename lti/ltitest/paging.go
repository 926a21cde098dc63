package ltitest

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// size is how many entries a page of a list has: what the request asks for,
// within what the kind of platform does by itself; 0 is all.
func (p *Platform) size(r *http.Request, moodle, canvas int) int {
	if forced := p.Faults().PageSize; forced > 0 {
		return forced
	}
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if p.cfg.Kind == Moodle {
		if err != nil || limit < 0 {
			return moodle
		}
		return limit
	}
	if err != nil || limit <= 0 {
		return canvas
	}
	return min(limit, 50)
}

// page is the part of a list that a request asks for, with the Link header
// (RFC 8288) that leads to the next. Curly is how Moodle's grade service
// writes that header.
func (p *Platform) page(w http.ResponseWriter, r *http.Request, list []any, size int, curly bool) []any {
	from, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || from < 0 {
		from = 0
	}
	if p.cfg.Kind == Canvas {
		page, err := strconv.Atoi(r.URL.Query().Get("page"))
		from = 0
		if err == nil && page > 1 {
			from = (page - 1) * size
		}
	}
	start := min(from, len(list))
	end := len(list)
	if size > 0 {
		end = min(start+size, end)
	}
	fault := p.Faults().Links
	if fault != "" && fault != RelativeLinks {
		w.Header().Set("Link", p.brokenLink(r, fault, from))
		return list[start:end]
	}
	if end < len(list) {
		next := p.pageURL(r, end, size)
		if fault == RelativeLinks {
			next = strings.TrimPrefix(next, p.cfg.Host)
		}
		w.Header().Set("Link", link(next, "next", curly))
	}
	return list[start:end]
}

// pageURL is the address of the page that begins with an entry.
func (p *Platform) pageURL(r *http.Request, from, size int) string {
	q := r.URL.Query()
	if p.cfg.Kind == Canvas {
		q.Set("page", strconv.Itoa(from/max(size, 1)+1))
	} else {
		q.Set("from", strconv.Itoa(from))
		q.Set("limit", strconv.Itoa(size))
	}
	return p.cfg.Host + r.URL.Path + "?" + q.Encode()
}

func link(to, rel string, curly bool) string {
	if curly {
		// Moodle escapes for HTML and quotes as a word processor does.
		return fmt.Sprintf("<%s>; rel=“first”, <%s>; rel=“%s”", strings.ReplaceAll(to, "&", "&amp;"), strings.ReplaceAll(to, "&", "&amp;"), rel)
	}
	return fmt.Sprintf(`<%s>; rel="current", <%s>; rel="%s"`, to, to, rel)
}

func (p *Platform) brokenLink(r *http.Request, fault LinkFault, from int) string {
	switch fault {
	case LoopingLinks:
		return fmt.Sprintf(`<%s%s>; rel="next"`, p.cfg.Host, r.URL.RequestURI())
	case EndlessLinks:
		return link(p.pageURL(r, from+1, 1), "next", false)
	case OffHostLinks:
		u := url.URL{Scheme: "https", Host: "elsewhere.test", Path: r.URL.Path}
		return fmt.Sprintf(`<%s>; rel="next"`, u.String())
	default:
		return `<http://%zz>; rel=next;; <, "next" <<>>;rel`
	}
}
