// Package facts is the language of assert blocks: statements about a machine
// that are either so or not, and native code that finds out. It knows no course
// and no guest: the content package reads facts, the agent in a guest looks.
//
// Looking runs none of the machine's programs (but for facts of the kind
// "command") and believes that the machine is hostile: files may be endless,
// pipes silent, links circular. All reading is bounded, and a Look ends with
// its context.
package facts

import (
	"maps"
	"slices"
)

// Fact is one statement about a machine. Either Kind is set, or Not, or Any.
type Fact struct {
	// Kind is "file", "user", "group", "package", "service", "port", "process",
	// "command", "http", "mount" or "sysctl".
	Kind string `json:"kind,omitempty"`
	// Subject says which one: a path, a name, a port's number, a command line,
	// an address.
	Subject string `json:"subject,omitempty"`
	// Wants are what must hold of it, all of them; without any, that it is
	// there (installed, running, listening, ended well).
	Wants []Want `json:"wants,omitempty"`

	// Not holds where this fact doesn't.
	Not *Fact `json:"not,omitempty"`
	// Any holds where one of these does.
	Any []Fact `json:"any,omitempty"`

	// Message is what the student is told where the fact does not hold; empty
	// for words of our own.
	Message string `json:"message,omitempty"`
}

// Want is what one field of a fact's subject should be.
type Want struct {
	// Field is one of the kind's, or "header NAME" for http.
	Field string `json:"field"`
	Value Value  `json:"value"`
}

// Value is what a field is compared with. Exactly one of its fields is set,
// or none for the empty text.
type Value struct {
	// Text is a value, or a comparison such as ">= 5" or "/a|b/"; what it may
	// be depends on the field's Form.
	Text string  `json:"text,omitempty"`
	Not  *Value  `json:"not,omitempty"`
	Any  []Value `json:"any,omitempty"`
	All  []Value `json:"all,omitempty"`
}

// Form is how a field's values are written and compared.
type Form string

// The forms. All but Option take Not, Any and All.
const (
	Text    Form = "text"    // equal; "!= x"; "/regular expression/"
	Number  Form = "number"  // "5", ">= 5", "!= 5"
	Bytes   Form = "bytes"   // as Number, with units: "10M" is 10·1024·1024
	Version Form = "version" // as Number, by the rules of Debian's versions
	Mode    Form = "mode"    // "0640", "u=rw,g=r,o=", "u+x,o-w"
	Truth   Form = "truth"   // "true" or "false"
	Part    Form = "part"    // a text that it contains; or "/regular expression/"
	Match   Form = "match"   // a regular expression, with or without slashes
	Whole   Form = "whole"   // the whole text, whatever line breaks end it
	Set     Form = "set"     // one of several texts is so, as Text
	Option  Form = "option"  // no comparison: it says how to look
)

// kind is what there is to say about a kind of subject.
type kind struct {
	fields map[string]Form
	// example is a subject, for messages.
	example string
	// basic is the field that must be true where a fact has no wants.
	basic string
}

var kinds = map[string]kind{
	"file": {example: "/etc/motd", basic: "exists", fields: map[string]Form{
		"exists": Truth, "type": Text, "mode": Mode, "owner": Text, "group": Text, "size": Bytes,
		"contains": Part, "matches": Match, "equals": Whole, "sha256": Text, "target": Text}},
	"user": {example: "ann", basic: "exists", fields: map[string]Form{
		"exists": Truth, "uid": Number, "gid": Number, "home": Text, "shell": Text, "groups": Set, "locked": Truth}},
	"group":   {example: "staff", basic: "exists", fields: map[string]Form{"exists": Truth, "gid": Number, "members": Set}},
	"package": {example: "nginx", basic: "installed", fields: map[string]Form{"installed": Truth, "version": Version}},
	"service": {example: "nginx", basic: "running", fields: map[string]Form{"running": Truth, "enabled": Truth}},
	"port": {example: "80", basic: "listening", fields: map[string]Form{
		"listening": Truth, "protocol": Option, "address": Set, "process": Set}},
	"process": {example: "nginx", basic: "running", fields: map[string]Form{
		"running": Truth, "user": Set, "args": Set, "program": Set, "count": Number}},
	"command": {example: "nginx -t", basic: "exit", fields: map[string]Form{
		"exit": Number, "contains": Part, "matches": Match, "equals": Whole, "user": Option}},
	"http": {example: "http://localhost:8080/", basic: "status", fields: map[string]Form{
		"status": Number, "contains": Part, "matches": Match, "equals": Whole, "header": Text, "redirect": Text,
		"method": Option, "host": Option, "timeout": Option}},
	"mount": {example: "/mnt", basic: "mounted", fields: map[string]Form{
		"mounted": Truth, "source": Text, "type": Text, "options": Set}},
	"sysctl": {example: "net.ipv4.ip_forward", fields: map[string]Form{"value": Text}},
}

// Kinds returns the names of all kinds, in order.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// Fields returns the names of a kind's fields, in order. The field "header" of
// http is a mapping from a header's name to its value.
func Fields(kind string) []string { return slices.Sorted(maps.Keys(kinds[kind].fields)) }

// Example returns a subject of a kind, for messages.
func Example(kind string) string { return kinds[kind].example }
