package content

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// setupTimeout bounds a setup that names no limit: it may unpack things.
const setupTimeout = time.Minute

const maxPath = 1024

// setup compiles a setup block: a script, or with "file=" a file.
func (c *compiler) setup(b *block, s script, at place) {
	if at.question != nil {
		b.failWord("A setup can't stand in a question.", "Move it before the question.")
	}
	b.notEmpty(s)
	set := &Setup{Guest: b.guest(), Timeout: b.duration("timeout", time.Second, maxTimeout, setupTimeout), place: s.place}
	set.File, set.Line = c.src.where(b.at)
	if a, ok := b.value("at"); ok {
		set.At = a.value
		c.atSteps = append(c.atSteps, atStep{a.value, b.base + a.vstart, a.vwidth})
	}
	if b.has("file") {
		b.without("A setup that writes a file runs no script.", "user", "lang")
		d := c.deposit(b, "file", s)
		d.lists = c.lists(b, s)
		set.Deposit = &d
	} else {
		b.without("Only a file has a mode and an owner: this setup names none.", "mode", "owner")
		set.User, set.Lang, set.Script = b.user(), b.oneOf("lang", languages[0], languages...), s.text
		c.holesInScript(s)
	}
	c.tutorial.Setups = append(c.tutorial.Setups, set)
}

// fileBlock compiles a file that the page shows, with a button that writes it.
func (c *compiler) fileBlock(n *fenceBlock, b *block, s script) {
	b.notEmpty(s)
	f := &FileBlock{ID: b.id(), Guest: b.guest(), Deposit: c.deposit(b, "path", s)}
	for i := len(c.tutorial.FileBlocks) + 1; f.ID == ""; i++ {
		if id := fmt.Sprintf("file-%d", i); c.free(id) {
			f.ID = id
			c.ids[id] = b.at
		}
	}
	language := strings.TrimPrefix(path.Ext(f.Path), ".")
	if a, ok := b.value("lang"); ok {
		if language = a.value; lexerFor(language) == nil {
			b.failValue(a, fmt.Sprintf("The language %s is not known.", quote(language)), "Leave it out where nothing fits.")
		}
	}
	f.Body = c.page.split(codeInside(language, string(n.Lines().Value(c.source))))
	c.tutorial.FileBlocks = append(c.tutorial.FileBlocks, f)
	n.token = c.page.token(Part{File: f.ID})
}

// codeInside highlights code without the elements around it.
func codeInside(language, code string) string {
	text := highlight(language, code, nil)
	text = text[strings.Index(text, "<code>")+len("<code>"):]
	return text[:strings.LastIndex(text, "</code>")]
}

// deposit reads what file to write; key holds its path.
func (c *compiler) deposit(b *block, key string, s script) Deposit {
	d := Deposit{Mode: b.fileMode(), Text: splitHoles(s.text, c.declared)}
	if a, ok := b.required(key); ok {
		d.Path = a.value
		b.absolute(a)
	}
	if a, ok := b.value("owner"); ok {
		d.Owner = a.value
		if !userName.MatchString(a.value) {
			b.failValue(a, fmt.Sprintf("%s can't be the name of an account.", quote(a.value)), "Use lower-case letters, digits, “_” and “-”.")
		}
	}
	return d
}

// absolute refuses what is not the one way to write an absolute path.
func (b *block) absolute(a attribute) {
	switch h, hole := nextHole(a.value, 0); {
	case hole:
		b.failValue(a, fmt.Sprintf("The path has a hole %s, but is the same for all students.", quote(a.value[h.start:h.end])), "Use a path without.")
	case !path.IsAbs(a.value):
		b.failValue(a, fmt.Sprintf("The path %s is relative.", quote(a.value)), "Start it with “/”.")
	case path.Clean(a.value) != a.value || a.value == "/" || len(a.value) > maxPath || strings.ContainsFunc(a.value, unicode.IsControl):
		b.failValue(a, fmt.Sprintf("%s can't be the path of a file.", quote(a.value)), "Write it without “..”, double “/” and “/” at the end.")
	}
}

var octal = regexp.MustCompile(`^0?[0-7]{3}$`)

// defaultMode is that of a file which names none.
const defaultMode fs.FileMode = 0o644

func (b *block) fileMode() fs.FileMode {
	a, ok := b.value("mode")
	if !ok {
		return defaultMode
	}
	mode, err := strconv.ParseUint(a.value, 8, 32)
	if err != nil || mode == 0 || !octal.MatchString(a.value) {
		b.failValue(a, fmt.Sprintf("%s is not the mode of a file.", quote(a.value)), "Write it in octal digits, as 0644.")
	}
	return fs.FileMode(mode) & fs.ModePerm
}

func (b *block) has(key string) bool {
	for _, a := range b.attrs.list {
		if a.key == key {
			return true
		}
	}
	return false
}

// without refuses attributes that do not fit the others.
func (b *block) without(why string, keys ...string) {
	for _, key := range keys {
		for _, a := range b.attrs.list {
			if a.key == key {
				b.fail(a, why, "Delete "+quote(key)+".")
			}
		}
	}
}

// lists gives the variables of a text that have several entries. Those of one
// line must have as many of them.
func (c *compiler) lists(b *block, s script) map[string]bool {
	counts := map[string]int{}
	for _, v := range c.tutorial.Vars {
		if v.Count > 0 {
			counts[v.Name] = v.Count
		}
	}
	lists := map[string]bool{}
	for i, line := range strings.Split(s.text, "\n") {
		count, first := 0, ""
		for _, p := range splitHoles(line, c.declared) {
			n := counts[p.Var]
			switch {
			case n == 0:
				continue
			case count != 0 && n != count:
				c.src.fail(s.at[i], len(line), fmt.Sprintf("%s has %d entries, %s on the same line %d.", quote(first), count, quote(p.Var), n), "Give both the same “count”.")
			}
			count, first = n, p.Var
			lists[p.Var] = true
		}
		c.adds(entriesOf(line, count))
	}
	return lists
}

// Fill gives the file's text for one student. A line with holes of lists is
// written once for each entry.
func (d Deposit) Fill(values Values) string {
	var out strings.Builder
	var line []TextPart
	flush := func() {
		d.fillLine(&out, line, values)
		line = line[:0]
	}
	for _, p := range d.Text {
		if p.Var != "" {
			line = append(line, p)
			continue
		}
		for rest := p.Text; rest != ""; {
			text, after, ended := strings.Cut(rest, "\n")
			if ended {
				text += "\n"
			}
			line = append(line, TextPart{Text: text})
			if ended {
				flush()
			}
			rest = after
		}
	}
	flush()
	return out.String()
}

func (d Deposit) fillLine(out *strings.Builder, line []TextPart, values Values) {
	times := 1
	entries := map[string][]string{}
	for _, p := range line {
		if d.lists[p.Var] {
			entries[p.Var] = strings.Fields(values[p.Var])
			times = len(entries[p.Var])
		}
	}
	for _, of := range entries {
		times = min(times, len(of))
	}
	for i := range times {
		for _, p := range line {
			switch {
			case p.Var == "":
				out.WriteString(p.Text)
			case d.lists[p.Var]:
				out.WriteString(entries[p.Var][i])
			default:
				out.WriteString(values[p.Var])
			}
		}
	}
}
