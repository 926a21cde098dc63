package content

import (
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"time"
)

// block is one of the format's blocks with its attributes, while it is being
// compiled.
type block struct {
	c     *compiler
	name  string
	at    int // of the word in the file
	attrs attributes
	base  int // of the attributes in the file
}

// block reads a block's attributes and refuses those that it does not have.
func (c *compiler) block(word, rest span) *block {
	start, stop := c.page.file(rest.start), c.page.file(rest.stop)
	b := &block{c: c, name: c.page.text[word.start:word.stop], at: c.page.file(word.start), base: start}
	var problems []attributeError
	b.attrs, problems = parseAttributes(c.src.text[start:stop])
	for _, p := range problems {
		c.src.fail(start+p.start, p.length, p.message, p.mend)
	}
	spec, known := words[b.name]
	if !known {
		spec = plainSpec
	}
	if own, fewer := translatedAttributes[b.name]; fewer && c.original != nil {
		b.attrs.list = slices.DeleteFunc(b.attrs.list, func(a attribute) bool {
			refused := slices.Contains(spec.attributes, a.key) && !slices.Contains(own, a.key)
			if refused {
				b.fail(a, fmt.Sprintf("A translation does not say %s.", quote(a.key)), notRepeated)
			}
			return refused
		})
	}
	for _, a := range b.attrs.list {
		if !slices.Contains(spec.attributes, a.key) {
			b.fail(a, fmt.Sprintf("%s has no attribute %s.", quote(b.name), quote(a.key)), DidYouMean(a.key, spec.attributes))
		}
	}
	for _, a := range b.attrs.classes {
		if !spec.takesClass {
			b.fail(a, fmt.Sprintf("%s takes no class.", quote(b.name)), "Delete "+quote("."+a.value)+".")
		} else if !isID(a.value) {
			b.fail(a, fmt.Sprintf("%s can't be a class.", quote(a.value)), idRule)
		}
	}
	b.checkID(spec)
	return b
}

func (b *block) checkID(spec blockWord) {
	a := b.attrs.id
	switch {
	case a == nil && spec.needsID:
		b.noID()
	case a == nil:
	case !spec.takesID:
		b.fail(*a, fmt.Sprintf("%s takes no id.", quote(b.name)), "Delete "+quote("#"+a.value)+".")
	default:
		b.c.takeID(a.value, b.base+a.start, a.length)
	}
}

func (b *block) fail(a attribute, message, mend string) {
	b.c.src.fail(b.base+a.start, a.length, message, mend)
}

func (b *block) failValue(a attribute, message, mend string) {
	b.c.src.fail(b.base+a.vstart, a.vwidth, message, mend)
}

func (b *block) failWord(message, mend string) {
	b.c.src.fail(b.at, len(b.name), message, mend)
}

func (b *block) id() string {
	if b.attrs.id == nil {
		return ""
	}
	return b.attrs.id.value
}

// value gives an attribute that must have a value.
func (b *block) value(key string) (attribute, bool) {
	for _, a := range b.attrs.list {
		if a.key != key {
			continue
		}
		if strings.TrimSpace(a.value) == "" {
			b.fail(a, fmt.Sprintf("%s has no value.", quote(key)), fmt.Sprintf("Write %s=….", key))
			return a, false
		}
		return a, true
	}
	return attribute{}, false
}

// required gives an attribute that must be there.
func (b *block) required(key string) (attribute, bool) {
	if a, ok := b.value(key); ok {
		return a, true
	}
	if !slices.ContainsFunc(b.attrs.list, func(a attribute) bool { return a.key == key }) {
		b.failWord(fmt.Sprintf("This %s has no %s.", b.name, key), fmt.Sprintf("Add %s=….", key))
	}
	return attribute{}, false
}

// flag reads "key", "key=true" or "key=false".
func (b *block) flag(key string, otherwise bool) bool {
	for _, a := range b.attrs.list {
		switch {
		case a.key != key:
		case a.bare || a.value == "true":
			return true
		case a.value == "false":
			return false
		default:
			b.failValue(a, fmt.Sprintf("%s is not true or false.", quote(a.value)), "")
		}
	}
	return otherwise
}

func (b *block) points(key string, otherwise float64) float64 {
	a, ok := b.value(key)
	if !ok {
		return otherwise
	}
	p, ok := parsePoints(a.value)
	if !ok {
		b.failValue(a, fmt.Sprintf("%s is not a number of points from 0 to %d.", quote(a.value), maxPoints), "")
	}
	return p
}

// whole reads a whole number from 0 on.
func (b *block) whole(key string, most int) int {
	a, ok := b.value(key)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(a.value)
	if err != nil || n < 0 || n > most {
		b.failValue(a, fmt.Sprintf("%s is not a whole number from 0 to %d.", quote(a.value), most), "")
	}
	return n
}

func (b *block) duration(key string, least, most, otherwise time.Duration) time.Duration {
	a, ok := b.value(key)
	if !ok {
		return otherwise
	}
	d, problem := parseDuration(a.value, least, most)
	if problem != "" {
		b.failValue(a, fmt.Sprintf("%s %s", quote(key), problem), "Write it as 5s or 2m.")
	}
	return d
}

// oneOf reads a value out of a few.
func (b *block) oneOf(key, otherwise string, known ...string) string {
	a, ok := b.value(key)
	if !ok {
		return otherwise
	}
	if !slices.Contains(known, a.value) {
		b.failValue(a, fmt.Sprintf("%s can't be %s.", quote(key), quote(a.value)), DidYouMean(a.value, known))
	}
	return a.value
}

func (b *block) guest() string {
	var names []string
	for _, g := range b.c.tutorial.Guests {
		names = append(names, g.Name)
	}
	a, ok := b.value("host")
	if !ok {
		return names[0]
	}
	if !slices.Contains(names, a.value) {
		b.failValue(a, fmt.Sprintf("The tutorial has no guest %s.", quote(a.value)), DidYouMean(a.value, names))
	}
	return a.value
}

func (b *block) user() string {
	a, ok := b.value("user")
	if ok && !userName.MatchString(a.value) {
		b.failValue(a, fmt.Sprintf("%s can't be the name of an account.", quote(a.value)), "Use lower-case letters, digits, “_” and “-”.")
	}
	return a.value
}

// title gives the title with tokens in place of holes, escaped for HTML, and
// as it is written.
func (b *block) title(otherwise string) (htmlText, written string) {
	a, ok := b.value("title")
	if !ok {
		return html.EscapeString(otherwise), otherwise
	}
	written = strings.TrimSpace(a.value)
	var text strings.Builder
	for _, p := range splitHoles(written, b.c.declared) {
		if p.Var != "" {
			text.WriteString(b.c.page.token(Part{Var: p.Var}))
			continue
		}
		text.WriteString(html.EscapeString(p.Text))
	}
	return text.String(), written
}

// openTag writes an element's start with the block's id and classes.
func (b *block) openTag(element, class, more string) string {
	for _, a := range b.attrs.classes {
		class += " " + a.value
	}
	id := ""
	if b.id() != "" {
		id = fmt.Sprintf(" id=%q", b.id())
	}
	return fmt.Sprintf("<%s class=%q%s%s>\n", element, class, id, more)
}
