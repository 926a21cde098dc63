package facts

import (
	"regexp"
	"strings"
)

// Fill puts a student's values in the place of $name and ${name}. A name that
// has no value stays as it is written, and so does what follows a backslash.
// In regular expressions a value stands for its own text.
//
// The line of a command is left alone: its shell has the values as variables.
func Fill(list []Fact, values map[string]string) []Fact {
	filled := make([]Fact, len(list))
	for i, f := range list {
		filled[i] = f.fill(values)
	}
	return filled
}

func (f Fact) fill(values map[string]string) Fact {
	f.Message = fillText(f.Message, values, false)
	if f.Not != nil {
		inner := f.Not.fill(values)
		f.Not = &inner
		return f
	}
	if len(f.Any) > 0 {
		f.Any = Fill(f.Any, values)
		return f
	}
	if f.Kind != "command" {
		f.Subject = fillText(f.Subject, values, false)
	}
	wants := make([]Want, len(f.Wants))
	for i, w := range f.Wants {
		form, _ := formOf(f.Kind, w.Field)
		wants[i] = Want{w.Field, w.Value.fill(form, values)}
	}
	f.Wants = wants
	return f
}

func (v Value) fill(form Form, values map[string]string) Value {
	fill := func(list []Value) []Value {
		filled := make([]Value, len(list))
		for i, v := range list {
			filled[i] = v.fill(form, values)
		}
		return filled
	}
	switch {
	case v.Not != nil:
		inner := v.Not.fill(form, values)
		return Value{Not: &inner}
	case len(v.Any) > 0:
		return Value{Any: fill(v.Any)}
	case len(v.All) > 0:
		return Value{All: fill(v.All)}
	}
	quoted := form == Match || isPattern(v.Text) && (form == Text || form == Set || form == Part || form == Version)
	return Value{Text: fillText(v.Text, values, quoted)}
}

// Mentions says whether a list of facts asks for a variable.
func Mentions(list []Fact, name string) bool {
	for _, f := range list {
		if f.Not != nil && Mentions([]Fact{*f.Not}, name) || Mentions(f.Any, name) ||
			mentions(f.Subject, name) || mentions(f.Message, name) {
			return true
		}
		for _, w := range f.Wants {
			if w.Value.mentions(name) {
				return true
			}
		}
	}
	return false
}

func (v Value) mentions(name string) bool {
	if v.Not != nil && v.Not.mentions(name) {
		return true
	}
	for _, v := range append(v.Any[:len(v.Any):len(v.Any)], v.All...) {
		if v.mentions(name) {
			return true
		}
	}
	return mentions(v.Text, name)
}

func mentions(text, name string) bool {
	return fillText(text, map[string]string{name: ""}, false) != text
}

func fillText(text string, values map[string]string, quoted bool) string {
	if !strings.Contains(text, "$") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		if text[i] == '\\' && i+1 < len(text) {
			_, length := knownHole(text[i+1:], values)
			if length == 0 || quoted {
				length = 1
				b.WriteByte('\\')
			}
			b.WriteString(text[i+1 : i+1+length])
			i += 1 + length
			continue
		}
		value, length := knownHole(text[i:], values)
		switch {
		case length == 0:
			b.WriteByte(text[i])
			i++
			continue
		case quoted:
			value = regexp.QuoteMeta(value)
		}
		b.WriteString(value)
		i += length
	}
	return b.String()
}

// knownHole returns the value for the hole at the start of s, and the hole's
// length; 0 where there is none.
func knownHole(s string, values map[string]string) (value string, length int) {
	name, length := holeAt(s)
	value, known := values[name]
	if !known {
		return "", 0
	}
	return value, length
}

// holeAt returns the variable's name where s begins with $name or ${name}, and
// the length of that.
func holeAt(s string) (name string, length int) {
	rest, found := strings.CutPrefix(s, "$")
	if !found {
		return "", 0
	}
	inner, braced := strings.CutPrefix(rest, "{")
	end := 0
	for end < len(inner) && (inner[end] == '_' || isLetter(inner[end]) || end > 0 && isDigit(inner[end])) {
		end++
	}
	switch {
	case end == 0:
		return "", 0
	case !braced:
		return inner[:end], end + 1
	case end < len(inner) && inner[end] == '}':
		return inner[:end], end + 3
	}
	return "", 0
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
