package content

import "strings"

// hole is one "{{name}}" or "\{{" of a text.
type hole struct {
	start, end int
	name       string // empty for "\{{"
}

// nextHole finds the first hole at or after an offset. Text in double braces
// that is not a name is no hole.
func nextHole(text string, from int) (hole, bool) {
	for {
		i := strings.Index(text[from:], "{{")
		if i < 0 {
			return hole{}, false
		}
		i += from
		if i > 0 && text[i-1] == '\\' {
			return hole{start: i - 1, end: i + 2}, true
		}
		n := nameLength(text[i+2:])
		if end := i + 2 + n; n > 0 && strings.HasPrefix(text[end:], "}}") {
			return hole{start: i, end: end + 2, name: text[i+2 : end]}, true
		}
		from = i + 1
	}
}

// nameLength counts the bytes of a variable's name at the start of a text.
func nameLength(s string) int {
	n := 0
	for n < len(s) && isNameByte(s[n]) {
		n++
	}
	return n
}

func isNameByte(c byte) bool {
	return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// splitHoles takes a text apart at the holes of declared variables. Other
// holes stay as they are written, and "\{{" becomes "{{".
func splitHoles(text string, declared func(string) bool) []TextPart {
	var parts []TextPart
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			parts = append(parts, TextPart{Text: plain.String()})
			plain.Reset()
		}
	}
	done := 0
	for at := 0; ; {
		h, ok := nextHole(text, at)
		if !ok {
			break
		}
		at = h.end
		switch {
		case h.name == "":
			plain.WriteString(text[done:h.start])
			plain.WriteString("{{")
		case declared(h.name):
			plain.WriteString(text[done:h.start])
			flush()
			parts = append(parts, TextPart{Var: h.name})
		default:
			continue
		}
		done = h.end
	}
	plain.WriteString(text[done:])
	flush()
	return parts
}
