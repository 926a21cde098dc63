package content

import (
	"fmt"
	"strings"
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
		c.plainFence(n)
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
	if at.in == inEntry {
		b.failWord("No block can stand in a "+inEntry+".", "Close the list before: leave a blank line, and start without spaces.")
		return
	}
	if at.hint && !words[word].shown {
		b.failWord(fmt.Sprintf("A %s can't stand in a hint.", word), "Close the hint with “:::” before.")
	}
	switch word {
	case "mermaid":
		c.diagram(n, b)
		return
	case "include":
		c.includeCode(n, b)
		return
	}
	s := c.script(n)
	if c.original != nil {
		c.translatedFence(n, b, s, at)
		return
	}
	switch word {
	case "check":
		c.check(n, b, s, at)
	case "assert":
		c.assert(n, b, s, at)
	case "setup":
		c.setup(b, s, at)
	case "file":
		c.fileBlock(n, b, s)
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
			_, s.place.line = c.src.originOf(line)
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

func (c *compiler) run(n *fenceBlock, b *block, s script) {
	b.notEmpty(s)
	r := &Run{Command: splitHoles(strings.TrimRight(s.text, "\n"), c.declared)}
	if _, ok := b.value("host"); ok {
		r.Guest = b.guest()
	}
	n.token = c.page.token(Part{Run: r})
}
