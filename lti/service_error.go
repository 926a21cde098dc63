package lti

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Kind says what is to be done about a failed call.
type Kind int

// The kinds of a ServiceError.
const (
	_ Kind = iota
	// Temporary is what may heal by itself: the network, the platform, its
	// tokens. Try again, later.
	Temporary
	// Stale is a score with a timestamp that is not later than the last.
	Stale
	// Gone is a line item that is not there, or not for this link.
	Gone
	// Refused won't heal by itself; a person must look.
	Refused
)

func (k Kind) String() string {
	return [...]string{"", "temporary", "stale", "gone", "refused"}[k]
}

// Names of calls, as ServiceError.Op.
const (
	OpToken     = "fetch an access token"
	OpLineItems = "list line items"
	OpLineItem  = "read a line item"
	OpAdd       = "add a line item"
	OpScore     = "send a score"
	OpResults   = "read results"
	OpMembers   = "read the roster"
)

// ServiceError is a call to a platform that did not work.
type ServiceError struct {
	Op         string
	URL        string // without its query
	Status     int    // of HTTP; 0 where no answer came
	Body       string // the answer's first 500 bytes
	RetryAfter time.Duration
	Err        error // what is wrong, where the status does not tell

	kind Kind // 0 means: by the status
}

func (e *ServiceError) Error() string {
	s := e.Op + " at " + e.URL
	if e.Status != 0 {
		s += fmt.Sprintf(": %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Body != "" {
		s += ": " + e.Body
	}
	return s
}

func (e *ServiceError) Unwrap() error { return e.Err }

// Unsure says whether the platform may have done what was asked all the same.
func (e *ServiceError) Unsure() bool {
	return e.Op != OpToken && e.Kind() == Temporary &&
		(e.Status < 300 || e.Status >= 500 || e.Status == http.StatusRequestTimeout)
}

// Kind tells what to do about it.
func (e *ServiceError) Kind() Kind {
	if e.kind != 0 && e.Op != OpToken {
		return e.kind
	}
	body := strings.ToLower(e.Body)
	switch s := e.Status; {
	case e.Op == OpToken, s < 400, s >= 500:
		return Temporary
	// After a fresh token: the registration is what is in trouble, not the grade.
	case s == http.StatusUnauthorized, s == http.StatusRequestTimeout,
		s == http.StatusTooEarly, s == http.StatusTooManyRequests:
		return Temporary
	case s == http.StatusForbidden && strings.Contains(body, "rate limit"): // Canvas
		return Temporary
	case s == http.StatusConflict && e.Op == OpScore:
		return Stale
	case s == http.StatusBadRequest && e.Op == OpScore && strings.Contains(body, "timestamp"): // Canvas
		return Stale
	case s == http.StatusNotFound, s == http.StatusGone, s == http.StatusPreconditionFailed:
		return Gone
	}
	return Refused
}

// refused makes an error of an answer that says no.
func (c *Client) refused(k call, a *answer) *ServiceError {
	e := &ServiceError{Op: k.op, URL: bare(k.url), Status: a.status, Body: excerpt(a.body),
		RetryAfter: retryAfter(a.header, c.now())}
	if a.status < 400 {
		e.Err = fmt.Errorf("sends elsewhere, to %q", bare(a.header.Get("Location")))
	}
	return e
}

// garbled makes an error of an answer that says yes and can't be understood.
func garbled(k call, a *answer, err error) *ServiceError {
	return &ServiceError{Op: k.op, URL: bare(k.url), Status: a.status, Body: excerpt(a.body), Err: err, kind: Temporary}
}

// excerpt is an answer's beginning on one line.
func excerpt(body []byte) string {
	s := strings.ToValidUTF8(string(body[:min(len(body), 500)]), "�")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// retryAfter reads the header of that name, seconds or a date (RFC 9110,
// section 10.2.3). More than a day is cut.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	var wait time.Duration
	if n, err := strconv.Atoi(v); err == nil {
		wait = time.Duration(min(max(n, 0), 86400)) * time.Second
	} else if t, err := http.ParseTime(v); err == nil {
		wait = t.Sub(now)
	}
	return min(max(wait, 0), 24*time.Hour)
}
