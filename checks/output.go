package checks

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// capture keeps the beginning of a stream, its last line, and its length.
type capture struct {
	head  []byte
	tail  []byte
	total int64
}

// tailSize is how much of a stream's end is kept, in bytes.
const tailSize = 1 << 10

func (c *capture) write(p []byte) {
	c.total += int64(len(p))
	c.head = append(c.head, p[:min(len(p), MaxOutput-len(c.head))]...)
	if len(p) >= tailSize {
		c.tail = append(c.tail[:0], p[len(p)-tailSize:]...)
		return
	}
	if over := len(c.tail) + len(p) - tailSize; over > 0 {
		c.tail = append(c.tail[:0], c.tail[over:]...)
	}
	c.tail = append(c.tail, p...)
}

// output returns what is kept, as evidence.
func (c *capture) output() Output {
	head := c.head
	if c.total > int64(len(head)) {
		head = withoutTornRune(head)
	}
	text := strings.ToValidUTF8(string(head), "\uFFFD")
	return Output{Text: strings.ReplaceAll(text, "\x00", "\uFFFD"), Cut: c.total - int64(len(head))}
}

// withoutTornRune drops a character that was cut through at the end of p.
func withoutTornRune(p []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if last := p[len(p)-n:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return p[:len(p)-n]
			}
			break
		}
	}
	return p
}

// lastLine returns the last line that is not blank, or nothing when it is too
// long to be a message.
func (c *capture) lastLine() string {
	lines := bytes.TrimSpace(c.tail)
	line := lines[bytes.LastIndexByte(lines, '\n')+1:]
	if len(line) > 300 {
		return ""
	}
	return clean(string(line))
}
