package content

import (
	"fmt"
	"regexp"
	"strings"
)

// undeclared refuses holes in prose that nothing fills.
func (c *compiler) undeclared(code []span) {
	var names []string
	for _, v := range c.tutorial.Vars {
		names = append(names, v.Name)
	}
	text := c.page.text
	next := 0 // of code; spans are in order, as the document is
	for at := 0; ; {
		i := strings.Index(text[at:], "{{")
		if i < 0 {
			return
		}
		i += at
		at = i + 2
		for next < len(code) && code[next].stop <= i {
			next++
		}
		if next < len(code) && code[next].start <= i {
			continue
		}
		c.undeclaredAt(i, names)
	}
}

var spacedHole = regexp.MustCompile(`^\{\{[ \t]*([[:alnum:]_-]+)[ \t]*\}\}`)

func (c *compiler) undeclaredAt(at int, names []string) {
	m := spacedHole.FindStringSubmatch(c.page.text[at:min(len(c.page.text), at+200)])
	if m == nil {
		return
	}
	whole, name := m[0], m[1]
	place := span{at, at + len(whole)}
	if c.declared(name) {
		c.failPage(place, fmt.Sprintf("The hole %s is not filled.", quote(whole)), "Write "+quote("{{"+name+"}}")+".")
		return
	}
	mend := `Write “\{{” if it is meant as it stands. `
	if len(names) == 0 {
		mend += "The front matter declares no “vars”."
	} else {
		mend += DidYouMean(name, names)
	}
	c.failPage(place, fmt.Sprintf("There is no variable %s.", quote(name)), mend)
}
