package checks

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// messagePart is literal text or the name of a variable.
type messagePart struct{ text, name string }

// parseMessage splits an author's message at $name and ${name}. A backslash
// keeps a dollar sign as it is; every other dollar sign stands for itself.
func parseMessage(message string) []messagePart {
	var parts []messagePart
	var text strings.Builder
	for i := 0; i < len(message); {
		if strings.HasPrefix(message[i:], `\$`) {
			text.WriteByte('$')
			i += 2
			continue
		}
		if name, length := holeAt(message[i:]); length > 0 {
			if text.Len() > 0 {
				parts = append(parts, messagePart{text: text.String()})
				text.Reset()
			}
			parts = append(parts, messagePart{name: name})
			i += length
			continue
		}
		text.WriteByte(message[i])
		i++
	}
	if text.Len() > 0 {
		parts = append(parts, messagePart{text: text.String()})
	}
	return parts
}

// holeAt returns the variable's name where s begins with $name or ${name}, and
// the length of that.
func holeAt(s string) (name string, length int) {
	if len(s) < 2 || s[0] != '$' {
		return "", 0
	}
	braced := s[1] == '{'
	start := 1
	if braced {
		start = 2
	}
	end := start
	for end < len(s) && (s[end] == '_' || isLetter(s[end]) || end > start && s[end] >= '0' && s[end] <= '9') {
		end++
	}
	if end == start {
		return "", 0
	}
	if !braced {
		return s[start:end], end
	}
	if end == len(s) || s[end] != '}' {
		return "", 0
	}
	return s[start:end], end + 1
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// expand fills a message's holes. It reports false where a value is missing
// because the script ended in a way that left its variables unknown.
func expand(message string, values map[string]string) (string, bool) {
	var b strings.Builder
	for _, part := range parseMessage(message) {
		if part.name == "" {
			b.WriteString(part.text)
			continue
		}
		value, ok := values[part.name]
		if !ok {
			return "", false
		}
		b.WriteString(value)
	}
	return b.String(), true
}

// clean makes plain text for a page of what a guest sent: valid UTF-8 without
// control characters and without marks that turn the direction of what
// follows, with at most MaxMessage bytes.
func clean(message string) string {
	message = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(stripEscapes(message), "\uFFFD"))
	message = strings.TrimSpace(message)
	if len(message) <= MaxMessage {
		return message
	}
	cut := MaxMessage - len("…")
	for cut > 0 && !utf8.RuneStart(message[cut]) {
		cut--
	}
	return strings.TrimSpace(message[:cut]) + "…"
}

// stripEscapes drops the colour codes of terminals (ECMA-48 control
// sequences), whose letters would otherwise stay.
func stripEscapes(s string) string {
	if !strings.Contains(s, "\x1b[") {
		return s
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		end := strings.IndexFunc(after, func(r rune) bool { return r < 0x20 || r > 0x3f })
		if end < 0 {
			return b.String()
		}
		if after[end] >= 0x40 && after[end] <= 0x7e {
			end++
		}
		s = after[end:]
	}
}
