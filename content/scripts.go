package content

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// scriptPlace maps a script's lines back to the Markdown file.
type scriptPlace struct {
	line    int   // of the script's first line, from 1
	columns []int // characters cut off the start of each line
}

// fence compiles a fenced block.
func (c *compiler) fence(n *fenceBlock, at place) {
	word := c.page.text[n.word.start:n.word.stop]
	rest := c.page.text[n.rest.start:n.rest.stop]
	if !n.closed {
		c.failPage(span{n.marker.start, max(n.marker.stop, n.word.stop)}, "This fence is not closed.",
			fmt.Sprintf("End it with a line %s, indented as its start.", quote(strings.Repeat(string(n.char), n.length))))
	}
	n.secret = true
	kind, message, mend := classifyFence(word, rest)
	switch kind {
	case plainFence:
		n.secret = false
		return
	case wrongFence:
		place := n.word
		if place.start == place.stop {
			place = span{n.marker.start, n.rest.stop}
		}
		c.failPage(place, message, mend)
		if a, _ := parseAttributes(rest); a.id != nil {
			c.lost[a.id.value] = true
		}
		return
	}
	b := c.block(n.word, n.rest)
	if at.hint && word != "run" {
		b.failWord(fmt.Sprintf("A %s can't stand in a hint.", word), "Close the hint with “:::” before.")
	}
	s := c.script(n)
	switch word {
	case "check":
		c.check(n, b, s, at)
	case "solve":
		c.solve(n, b, s)
	case "mistake":
		c.mistake(b, s)
	case "run":
		c.run(n, b, s)
	}
}

// script is a block's text as the author wrote it.
type script struct {
	text  string
	place scriptPlace
	at    []int // where each line starts in the file
}

func (c *compiler) script(n *fenceBlock) script {
	var s script
	lines := n.Lines().Len()
	s.at = make([]int, 0, lines)
	s.place.columns = make([]int, 0, lines)
	var b strings.Builder
	for i := range lines {
		segment := n.Lines().At(i)
		start, stop := c.page.file(segment.Start), c.page.file(segment.Stop)
		b.WriteString(strings.Repeat(" ", segment.Padding))
		b.WriteString(strings.TrimSuffix(c.src.text[start:stop], "\n"))
		b.WriteByte('\n')
		line := c.src.lineAt(start)
		if i == 0 {
			s.place.line = line + 1
		}
		s.at = append(s.at, start)
		s.place.columns = append(s.place.columns, utf8.RuneCountInString(c.src.text[c.src.lines[line]:start])-segment.Padding)
	}
	s.text = b.String()
	return s
}

// dropLine takes off the first line.
func (s *script) dropLine() {
	_, s.text, _ = strings.Cut(s.text, "\n")
	s.place.line++
	s.place.columns = s.place.columns[1:]
	s.at = s.at[1:]
}

var languages = []string{"bash", "sh", "python"}

func (c *compiler) check(n *fenceBlock, b *block, s script, at place) {
	check := &Check{
		ID:            b.id(),
		Guest:         b.guest(),
		Points:        b.points("points", c.defaults.points),
		Timeout:       b.duration("timeout", time.Second, maxTimeout, c.defaults.timeout),
		Auto:          b.duration("auto", 2*time.Second, time.Hour, 0),
		Sticky:        b.flag("sticky", c.defaults.sticky),
		PassesAtStart: b.oneOf("passes", "", "start") == "start",
		Lang:          b.oneOf("lang", "bash", languages...),
		User:          b.user(),
		File:          c.src.path,
		Line:          c.src.lineAt(b.at) + 1,
	}
	if at.task != nil {
		check.Task, check.Title = at.task.id, at.task.title
		at.task.checks++
	}
	c.messages(check, &s)
	b.notEmpty(s)
	c.holesInScript(s)
	check.Script, check.place = s.text, s.place
	if b.flag("unsolved", false) {
		c.unsolved[check.ID] = true
	}
	c.stepOf[check] = at.step
	c.tutorial.Checks = append(c.tutorial.Checks, check)
	n.token = c.page.token(Part{Check: check.ID})
}

// messageOf takes a line ":word: text" apart.
func messageOf(line string) (word, text string, ok bool) {
	rest, ok := strings.CutPrefix(line, ":")
	if !ok {
		return "", "", false
	}
	word, text, ok = strings.Cut(rest, ":")
	letters := strings.TrimFunc(word, unicode.IsLetter) == ""
	return word, strings.TrimSpace(text), ok && word != "" && letters
}

func isMessage(line string) bool {
	_, _, ok := messageOf(line)
	return ok
}

// messages takes the ":pass:" and ":fail:" lines off a script's top.
func (c *compiler) messages(check *Check, s *script) {
	top := true
	into := map[string]*string{"pass": &check.PassMessage, "fail": &check.FailMessage}
	for i, line := range strings.Split(strings.TrimSuffix(s.text, "\n"), "\n") {
		word, text, ok := messageOf(line)
		if !ok {
			top = top && strings.TrimSpace(line) == ""
			continue
		}
		at, width := s.at[i], len(word)+2
		message, known := into[word]
		switch {
		case !known:
			c.src.fail(at, width, fmt.Sprintf("There is no message %s.", quote(":"+word+":")), didYouMean(word, []string{"fail", "pass"}))
		case !top:
			c.src.fail(at, width, "Messages stand before the script.", "Move this line to the top of the block.")
		case text == "":
			c.src.fail(at, width, "The message is empty.", "Write what the student is told.")
		case *message != "":
			c.src.fail(at, width, fmt.Sprintf("The message %s stands here twice.", quote(":"+word+":")), "Keep one of them.")
		default:
			*message = text
		}
	}
	for len(s.at) > 0 {
		line, _, _ := strings.Cut(s.text, "\n")
		if strings.TrimSpace(line) != "" && !isMessage(line) {
			return
		}
		s.dropLine()
	}
}

func (b *block) notEmpty(s script) {
	if strings.TrimSpace(s.text) == "" {
		b.failWord(fmt.Sprintf("This %s is empty.", b.name), "Write the commands between the fences.")
	}
}

// holesInScript warns of "{{name}}" where "$name" is likely meant: scripts are
// run as they are written.
func (c *compiler) holesInScript(s script) {
	for _, start := range s.at {
		line := c.src.line(c.src.lineAt(start))
		for at := 0; ; {
			h, ok := nextHole(line, at)
			if !ok {
				break
			}
			at = h.end
			if c.declared(h.name) {
				c.src.warn(c.src.lines[c.src.lineAt(start)]+h.start, h.end-h.start,
					"Scripts have no holes: this stays as it is written.", "Write “$"+h.name+"”.")
			}
		}
	}
}

func (c *compiler) solve(n *fenceBlock, b *block, s script) {
	b.notEmpty(s)
	c.holesInScript(s)
	solution := &Solution{
		For: c.forAttribute(b), Guest: b.guest(), User: b.user(), Lang: b.oneOf("lang", "bash", languages...),
		Script: s.text, Shown: b.flag("show", false),
		File: c.src.path, Line: c.src.lineAt(b.at) + 1, place: s.place,
	}
	c.solved[solution.For] = true
	// All that a check's solutions show appears where the first of them stands.
	first := !slices.ContainsFunc(c.tutorial.Solutions, func(o *Solution) bool { return o.Shown && o.For == solution.For })
	c.tutorial.Solutions = append(c.tutorial.Solutions, solution)
	if solution.Shown && first {
		n.token = c.page.token(Part{Solution: solution.For})
	}
}

func (c *compiler) mistake(b *block, s script) {
	b.notEmpty(s)
	c.holesInScript(s)
	m := &Mistake{
		For: c.forAttribute(b), Guest: b.guest(), User: b.user(), Lang: b.oneOf("lang", "bash", languages...),
		Script: s.text,
		File:   c.src.path, Line: c.src.lineAt(b.at) + 1, place: s.place,
	}
	if a, ok := b.required("expect"); ok {
		m.Expect = a.value
	}
	c.tutorial.Mistakes = append(c.tutorial.Mistakes, m)
}

func (c *compiler) run(n *fenceBlock, b *block, s script) {
	b.notEmpty(s)
	r := &Run{Command: splitHoles(strings.TrimRight(s.text, "\n"), c.declared)}
	if _, ok := b.value("host"); ok {
		r.Guest = b.guest()
	}
	n.token = c.page.token(Part{Run: r})
}

// forCheck is a "for=" that must name a check.
type forCheck struct {
	id         string
	at, length int
}

func (c *compiler) forAttribute(b *block) string {
	a, ok := b.required("for")
	if !ok {
		return ""
	}
	c.fors = append(c.fors, forCheck{a.value, b.base + a.vstart, a.vwidth})
	return a.value
}

// matchFors refuses "for=" that names no check, and checks without solution.
func (c *compiler) matchFors() {
	var ids []string
	for _, check := range c.tutorial.Checks {
		ids = append(ids, check.ID)
		at, length := c.src.lines[check.Line-1], len(c.src.line(check.Line-1))
		switch {
		case c.solved[check.ID] && c.unsolved[check.ID]:
			c.src.warn(at, length, fmt.Sprintf("The check %s has a solution, though it says “unsolved”.", quote(check.ID)), "Delete “unsolved”.")
		case !c.solved[check.ID] && !c.unsolved[check.ID] && check.ID != "":
			c.src.fail(at, length, fmt.Sprintf("The check %s has no solution.", quote(check.ID)),
				fmt.Sprintf("Add a block “```solve {for=%s}”, or write “unsolved=true” if there can be none.", check.ID))
		}
	}
	for _, f := range c.fors {
		if !slices.Contains(ids, f.id) && !c.lost[f.id] {
			c.src.fail(f.at, f.length, fmt.Sprintf("The tutorial has no check %s.", quote(f.id)), didYouMean(f.id, ids))
		}
	}
}
