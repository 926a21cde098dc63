package lti

import (
	"bytes"
	"errors"
	"io"
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
	fields map[string]any
	fault  *fault
}

// decode reads a JSON object. This decoder, unlike the standard library's,
// minds upper and lower case and refuses a name that stands there twice.
func decode(text []byte) (object, error) {
	o := object{fault: &fault{}}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.SetNumberType(json.UnmarshalJSONNumber)
	if err := decoder.Decode(&o.fields); err != nil {
		return o, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return o, errors.New("something follows the object")
	}
	if o.fields == nil {
		return o, errors.New("null is no object")
	}
	return o, nil
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

func (o object) has(name string) bool { return o.fields[name] != nil }

// as reads a field in one of the forms of JSON, and blames it if it has
// another. What isn't there is empty.
func as[T any](o object, name, form string) (value T) {
	if !o.has(name) {
		return value
	}
	value, ok := o.fields[name].(T)
	if !ok {
		o.blame(ReasonClaimMalformed, name, "is not "+form)
	}
	return value
}

// text is a field that has to be text, of any length.
func (o object) text(name string) string { return as[string](o, name, "text") }

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
	s, _ := o.fields[name].(string)
	return clean(s, most)
}

// address is a URL, which is empty if it isn't there.
func (o object) address(name string) string { return o.bounded(name, longestURL) }

// list is a field that has to be a list of texts.
func (o object) list(name string) []string {
	entries := as[[]any](o, name, "a list")
	if len(entries) > mostEntries {
		o.blame(ReasonClaimTooLong, name, "has too many entries")
		return nil
	}
	var all []string
	for _, entry := range entries {
		s, ok := entry.(string)
		if !ok {
			o.blame(ReasonClaimMalformed, name, "is not a list of texts")
			return nil
		}
		all = append(all, s)
	}
	return all
}

// flag is true or false; platforms also send them as text.
func (o object) flag(name string, unsaid bool) bool {
	switch o.fields[name] {
	case true, "true":
		return true
	case false, "false":
		return false
	}
	return unsaid
}

func (o object) time(name string) time.Time {
	number := as[json.Number](o, name, "a number")
	seconds, err := number.Float64()
	if at, ok := unixTime(seconds); ok && err == nil {
		return at
	}
	o.blame(ReasonClaimMalformed, name, "is no time")
	return time.Time{}
}

// object is a field with fields of its own, all empty if it isn't there.
func (o object) object(name string) object {
	return object{name: name, fields: as[map[string]any](o, name, "an object"), fault: o.fault}
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
