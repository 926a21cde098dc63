package content

import (
	"fmt"
	"strings"
	"unicode"
)

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
			c.src.fail(at, width, fmt.Sprintf("There is no message %s.", quote(":"+word+":")), DidYouMean(word, []string{"fail", "pass"}))
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
