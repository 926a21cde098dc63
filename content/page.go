package content

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// page is a tutorial's text on its way through goldmark. Holes and widgets
// travel as tokens: a number of the page's own, then an index. The number is
// a digest of the text, so that no author can write it; and a token is made
// of digits only, so that it stays whole wherever a value may stand, even as
// the port of an address or a word of highlighted code.
type page struct {
	text   string // with tokens in place of holes
	base   int    // where text starts in the file
	prefix string
	parts  []Part
	shifts []shift
}

// shift is a place where page and file differ.
type shift struct{ start, stop, fileStart, fileStop int }

const (
	tokenDigits = 32
	indexDigits = 7
	tokenLength = tokenDigits + indexDigits
)

// newPage prepares the text from an offset of the file on.
func newPage(file string, base int, declared func(string) bool) *page {
	digest := sha256.Sum256([]byte(file))
	p := &page{base: base, prefix: fmt.Sprintf("%016d%016d",
		binary.BigEndian.Uint64(digest[:8])%1e16, binary.BigEndian.Uint64(digest[8:16])%1e16)}
	var b strings.Builder
	b.Grow(len(file) - base)
	tokens := map[string]string{} // one for each variable
	text := file[base:]
	done := 0
	for at := 0; ; {
		h, ok := nextHole(text, at)
		if !ok {
			break
		}
		at = h.end
		if h.name != "" && !declared(h.name) {
			continue
		}
		token := tokens[h.name]
		if token == "" {
			part := Part{Var: h.name}
			if h.name == "" {
				part = Part{HTML: "{{"}
			}
			token = p.token(part)
			tokens[h.name] = token
		}
		b.WriteString(text[done:h.start])
		start := b.Len()
		b.WriteString(token)
		p.shifts = append(p.shifts, shift{start, b.Len(), base + h.start, base + h.end})
		done = h.end
	}
	b.WriteString(text[done:])
	p.text = b.String()
	return p
}

// token gives a stand-in for a part.
func (p *page) token(part Part) string {
	p.parts = append(p.parts, part)
	index := strconv.Itoa(len(p.parts) - 1)
	return p.prefix + "0000000"[:indexDigits-len(index)] + index
}

// file gives the offset in the file of an offset in the page.
func (p *page) file(offset int) int {
	i := sort.Search(len(p.shifts), func(i int) bool { return p.shifts[i].start > offset }) - 1
	if i < 0 {
		return p.base + offset
	}
	s := p.shifts[i]
	if offset < s.stop {
		return s.fileStart
	}
	return s.fileStop + offset - s.stop
}

// next finds a token at or after an offset.
func (p *page) next(s string, from int) (start int, part Part, ok bool) {
	for {
		i := strings.Index(s[from:], p.prefix)
		if i < 0 || from+i+tokenLength > len(s) {
			return 0, Part{}, false
		}
		start = from + i
		index := 0
		for _, c := range []byte(s[start+tokenDigits : start+tokenLength]) {
			if c < '0' || c > '9' {
				index = len(p.parts)
				break
			}
			index = index*10 + int(c-'0')
		}
		if index < len(p.parts) {
			return start, p.parts[index], true
		}
		from = start + 1
	}
}

// walk takes a text apart at its tokens.
func (p *page) walk(s string, text func(string), token func(Part)) {
	for at := 0; ; {
		start, part, ok := p.next(s, at)
		if !ok {
			text(s[at:])
			return
		}
		text(s[at:start])
		token(part)
		at = start + tokenLength
	}
}

// split takes finished HTML apart at its tokens.
func (p *page) split(html string) Body {
	var body Body
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			body = append(body, Part{HTML: b.String()})
			b.Reset()
		}
	}
	p.walk(html, func(s string) { b.WriteString(s) }, func(part Part) {
		if part.HTML != "" {
			b.WriteString(part.HTML)
			return
		}
		flush()
		body = append(body, part)
	})
	flush()
	return body
}

// count gives the number of tokens in a text.
func (p *page) count(s string) int { return strings.Count(s, p.prefix) }

// written turns tokens back into what the author wrote.
func (p *page) written(s string) string {
	var b strings.Builder
	p.walk(s, func(s string) { b.WriteString(s) }, func(part Part) {
		if part.Var != "" {
			b.WriteString("{{" + part.Var + "}}")
		} else {
			b.WriteString(`\{{`)
		}
	})
	return b.String()
}
