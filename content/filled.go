package content

import (
	"fmt"
	"net/netip"
	"strings"
)

const (
	// maxFilled is how many bytes the values of one student may add to a
	// tutorial, in prose, files and messages together.
	maxFilled = 4 << 20
	// maxDrawn is how many values all lists of a tutorial have together: they
	// are drawn anew for each page.
	maxDrawn = 2000
)

// fills counts what the holes of a text come to at most, for one student.
func (c *compiler) fills(text string) {
	for at := 0; ; {
		h, ok := nextHole(text, at)
		if !ok {
			return
		}
		at = h.end
		for i := range c.tutorial.Vars {
			if v := &c.tutorial.Vars[i]; v.Name == h.name {
				c.adds(v.longest())
			}
		}
	}
}

// adds counts so many bytes more, and refuses the tutorial once they are too
// many: few lines could make pages of gigabytes.
func (c *compiler) adds(bytes int) {
	before := c.filling
	if c.filling += bytes; before <= maxFilled && c.filling > maxFilled {
		c.src.failFile(fmt.Sprintf("Filled with one student's values, this tutorial has more than %d MiB.", maxFilled>>20),
			"Draw fewer or shorter values, or use them at fewer places.")
	}
}

// longest is how many bytes a value has at most.
func (v *Var) longest() int {
	one := v.Hex + v.Password
	for _, all := range [][]string{v.Choice, v.Lines} {
		for _, s := range all {
			one = max(one, len(s))
		}
	}
	switch {
	case v.Int != nil:
		one = len("-9223372036854775808")
	case v.Words > 0:
		one = v.Words * longestWord
	case v.IP != netip.Prefix{}:
		one = len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
	case v.Date != nil:
		one = len("2026-01-31")
	}
	return max(1, v.Count) * (one + 1)
}

// longestWord is the length of the longest of easyWords, with a "-" behind it.
var longestWord = func() int {
	most := 0
	for _, w := range easyWords {
		most = max(most, len(w)+len("-"))
	}
	return most
}()

// entriesOf is how many bytes a line of a file has that is written once for
// each entry of a list, without the entries.
func entriesOf(line string, count int) int { return count * (len(strings.TrimSpace(line)) + 1) }
