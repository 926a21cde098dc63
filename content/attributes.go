package content

import (
	"strings"
	"unicode/utf8"
)

// attribute is one "key=value" of a block, or a bare "key". Offsets are
// counted from the start of the text that was parsed.
type attribute struct {
	key, value     string
	start, length  int // of the key
	vstart, vwidth int // of the value as written
	bare           bool
}

// attributes are what stands between a block's braces.
type attributes struct {
	id      *attribute // value is the id without "#"
	classes []attribute
	list    []attribute
}

// attributeError is something in the braces that can't be read.
type attributeError struct {
	start, length int
	message, mend string
}

const attributeForm = "Write {#id .class key=value key=\"two words\"}."

// maxAttributes is more than any block takes.
const maxAttributes = 32

// parseAttributes reads "{#id .class key=value key="quoted" key}". Within
// quotes \" and \\ stand for a quote and a backslash. It reports all that is
// wrong and keeps the rest.
func parseAttributes(text string) (attributes, []attributeError) {
	p := &attributeParser{text: text}
	p.space()
	if p.at == len(text) {
		return p.out, nil
	}
	if text[p.at] != '{' {
		p.fail(p.at, len(strings.TrimRight(text[p.at:], " \t")), "Attributes stand in braces.", attributeForm)
		return p.out, p.errors
	}
	open := p.at
	p.at++
	for p.space(); p.at < len(text) && text[p.at] != '}'; p.space() {
		if len(p.out.list)+len(p.out.classes)+len(p.errors) >= maxAttributes {
			p.fail(p.at, 1, "A block has fewer attributes than stand here.", "")
			return p.out, p.errors
		}
		p.item()
	}
	if p.at == len(text) {
		p.fail(open, 1, "The attributes are not closed.", "End them with “}” on the same line.")
		return p.out, p.errors
	}
	p.at++
	if rest := strings.TrimSpace(text[p.at:]); rest != "" {
		p.space()
		p.fail(p.at, len(rest), "Nothing may follow the attributes.", "Put it on the next line.")
	}
	return p.out, p.errors
}

type attributeParser struct {
	text   string
	at     int
	out    attributes
	errors []attributeError
}

func (p *attributeParser) fail(start, length int, message, mend string) {
	p.errors = append(p.errors, attributeError{start, length, message, mend})
}

func (p *attributeParser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

// item reads one attribute. It always moves on.
func (p *attributeParser) item() {
	start := p.at
	switch p.text[start] {
	case '#', '.':
		p.at++
		word := p.word(" \t}")
		a := attribute{key: p.text[start : start+1], value: word, start: start, length: 1 + len(word), vstart: start + 1, vwidth: len(word)}
		switch {
		case word == "":
			p.fail(start, 1, "A name is missing after "+quote(a.key)+".", attributeForm)
		case a.key == ".":
			p.out.classes = append(p.out.classes, a)
		case p.out.id != nil:
			p.fail(start, a.length, "A block has one id only.", "Keep one of them.")
		default:
			p.out.id = &a
		}
		return
	}
	key := p.word(" \t}=\"")
	a := attribute{key: key, start: start, length: len(key), bare: true, vstart: start, vwidth: len(key)}
	if key == "" {
		_, size := utf8.DecodeRuneInString(p.text[start:])
		p.at = start + size
		p.fail(start, size, "An attribute's name is expected here.", attributeForm)
		return
	}
	if p.at < len(p.text) && p.text[p.at] == '=' {
		p.at++
		a.bare = false
		a.vstart = p.at
		a.value = p.value()
		a.vwidth = p.at - a.vstart
	} else if p.at < len(p.text) && p.text[p.at] == '"' {
		p.fail(p.at, 1, "A quote stands here without “=” before it.", attributeForm)
		p.value()
		return
	}
	for _, b := range p.out.list {
		if b.key == a.key {
			p.fail(start, len(key), "The attribute "+quote(key)+" stands here twice.", "Keep one of them.")
			return
		}
	}
	p.out.list = append(p.out.list, a)
}

// word reads up to one of the bytes in end.
func (p *attributeParser) word(end string) string {
	start := p.at
	for p.at < len(p.text) && strings.IndexByte(end, p.text[p.at]) < 0 {
		p.at++
	}
	return p.text[start:p.at]
}

// value reads a bare or quoted value. A bare one may hold "{{name}}".
func (p *attributeParser) value() string {
	if p.at < len(p.text) && p.text[p.at] == '"' {
		return p.quoted()
	}
	start := p.at
	for p.at < len(p.text) && strings.IndexByte(" \t}\"", p.text[p.at]) < 0 {
		if h, ok := nextHole(p.text, p.at); ok && h.start == p.at {
			p.at = h.end
			continue
		}
		p.at++
	}
	if p.at == start {
		p.fail(start, 1, "A value is missing after “=”.", attributeForm)
	}
	return p.text[start:p.at]
}

func (p *attributeParser) quoted() string {
	open := p.at
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return b.String()
		case c == '\\' && p.at+1 < len(p.text) && (p.text[p.at+1] == '"' || p.text[p.at+1] == '\\'):
			p.at++
			b.WriteByte(p.text[p.at])
		default:
			b.WriteByte(c)
		}
	}
	p.fail(open, 1, "The quote is not closed.", "End the value with “\"” on the same line.")
	return b.String()
}
