package lti

import (
	"bytes"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"
)

// Bounds of what a message may say, in characters and in entries.
const (
	longestLabel = 500   // names and titles; what is longer is cut
	longestText  = 4000  // descriptions; what is longer is cut
	longestValue = 4000  // of a custom parameter
	longestData  = 16000 // of deep linking, to be sent back
	mostEntries  = 200   // of a list or of the custom parameters
)

// object is a JSON object whose fields are read one by one. What has the
// wrong form is noted in fault, so that reading goes on and is judged once.
type object struct {
	name   string // of the claim, for the log
	fields map[string]json.RawMessage
	fault  *fault
}

// fault is the first thing that was wrong with the claims.
type fault struct {
	reason Reason
	detail string
}

func (o object) blame(reason Reason, name, what string) {
	if o.fault.reason == "" {
		o.fault.reason, o.fault.detail = reason, strings.TrimPrefix(o.name+" ", " ")+name+": "+what
	}
}

// refusal is what was wrong so far; nil if nothing was.
func (o object) refusal(p Platform) *Refusal {
	if o.fault.reason == "" {
		return nil
	}
	return refuse(o.fault.reason, p, "%s", o.fault.detail)
}

func (o object) has(name string) bool {
	raw := bytes.TrimSpace(o.fields[name])
	return len(raw) > 0 && !bytes.Equal(raw, []byte("null"))
}

// read decodes a field that is there, and blames it if it has another form.
func (o object) read(name, form string, to any) bool {
	if !o.has(name) {
		return false
	}
	if err := json.Unmarshal(o.fields[name], to); err != nil {
		o.blame(ReasonClaimMalformed, name, "is not "+form)
		return false
	}
	return true
}

// text is a field that has to be text, of any length.
func (o object) text(name string) (s string) {
	o.read(name, "text", &s)
	return s
}

// bounded is text that has to be kept as it is.
func (o object) bounded(name string, most int) string {
	s := o.text(name)
	switch {
	case utf8.RuneCountInString(s) > most:
		o.blame(ReasonClaimTooLong, name, "is too long")
		return ""
	case strings.ContainsFunc(s, unprintable):
		o.blame(ReasonClaimMalformed, name, "has control characters in it")
		return ""
	}
	return s
}

// id is a name by which things are known.
func (o object) id(name string) string { return o.bounded(name, longestID) }

// label is text for people. It never spoils a launch: other forms are passed
// over, control characters left out, and what is too long is cut.
func (o object) label(name string, most int) string {
	var s string
	if json.Unmarshal(o.fields[name], &s) != nil {
		return ""
	}
	return clean(s, most)
}

// address is a URL, which is empty if it isn't there.
func (o object) address(name string) string { return o.bounded(name, longestURL) }

func (o object) list(name string) []string {
	var all []string
	if o.read(name, "a list of texts", &all) && len(all) > mostEntries {
		o.blame(ReasonClaimTooLong, name, "has too many entries")
		return nil
	}
	return all
}

// flag is true or false; platforms also send them as text.
func (o object) flag(name string, unsaid bool) bool {
	switch strings.Trim(string(bytes.TrimSpace(o.fields[name])), `"`) {
	case "true":
		return true
	case "false":
		return false
	}
	return unsaid
}

func (o object) time(name string) time.Time {
	var seconds float64
	if !o.read(name, "a number", &seconds) {
		return time.Time{}
	}
	at, ok := unixTime(seconds)
	if !ok {
		o.blame(ReasonClaimMalformed, name, "is no time")
	}
	return at
}

// object is a field with fields of its own, all empty if it isn't there.
func (o object) object(name string) object {
	inner := object{name: name, fault: o.fault}
	o.read(name, "an object", &inner.fields)
	return inner
}

func unprintable(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }

// clean makes text fit to be shown and stored.
func clean(s string, most int) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if unprintable(r) {
			return -1
		}
		return r
	}, s))
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most-1]) + "…"
	}
	return s
}
