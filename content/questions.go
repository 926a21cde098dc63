package content

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/yuin/goldmark/ast"
)

var questionTypes = []string{"choice", "choices", "text", "number", "order"}

// asking is a question under way.
type asking struct {
	*Question
	b       *block
	check   *Check
	listed  bool // a list gives choices or answers
	broken  bool // an entry of it can't be read
	decided bool // a check in it decides in the guest
}

// question compiles a question block. Its list of choices or answers is taken
// off the page, and the form stands in its place.
func (c *compiler) question(n *container, b *block, at place) {
	switch {
	case at.hint:
		b.failWord("A question can't stand in a hint.", "Close the hint with “:::” before.")
	case at.question != nil:
		b.failWord("A question can't stand in a question.", "Close the first with “:::” before.")
	}
	htmlTitle, written := b.title("")
	n.open = b.openTag("section", "question", "")
	if written != "" {
		at.level++
		*at.last = at.level
		n.open += fmt.Sprintf("<h%d class=\"question-title\">%s</h%d>\n", at.level, htmlTitle, at.level)
	}
	n.close = "</section>\n"
	own := at.task == nil // then it is a task of its own
	if own {
		at.task = &task{id: b.id(), title: written}
	}
	at.question = &asking{b: b, check: c.worth(b, at)}
	if at.question.check.Question == nil || c.original == nil {
		at.question.check.Question = b.question()
	}
	at.question.Question = at.question.check.Question
	if written != "" {
		at.question.check.Title = written
	}
	form := c.page.token(Part{Question: b.id()})
	if list := c.keyList(n, at.question); list != nil {
		n.ReplaceChild(n, list, &container{token: form})
		c.entries(list, at)
	} else {
		n.close = form + n.close
	}
	c.strayBoxes(n)
	c.within(n, b, at)
	at.question.settle()
	if own {
		c.hintsOf(at.task)
	}
}

// question reads what a question's attributes say of it.
func (b *block) question() *Question {
	q := &Question{
		Type:        b.oneOf("type", "", questionTypes...),
		MaxAttempts: b.whole("attempts", maxAfter),
		Cost:        b.points("cost", 0),
		Case:        b.flag("case", false),
	}
	if q.Type == "" && !b.has("type") {
		b.failWord("This question has no type.", "Add type=choice, choices, text, number or order.")
	}
	if a, ok := b.value("tolerance"); ok {
		t, good := parseNumber(a.value)
		if !good || t < 0 {
			b.failValue(a, fmt.Sprintf("%s is not how far off a number may be.", quote(a.value)), "Write it as 0.5.")
		}
		q.Tolerance = t
	}
	if q.Type != "number" {
		b.without("Only a number has a tolerance.", "tolerance")
	}
	if q.Type != "text" {
		b.without("Only a text has upper and lower case.", "case")
	}
	return q
}

// decider gives a question's check to the check block that stands in it.
func (a *asking) decider(b *block) *Check {
	if a.decided {
		b.failWord("A question has one check only.", "Keep one of them.")
	}
	a.decided = true
	if id := b.attrs.id; id != nil {
		b.fail(*id, "A check in a question has no id of its own.", fmt.Sprintf("Delete it: this check is called %s.", quote(a.check.ID)))
	}
	b.without("This belongs to the question, not to the check in it.", "points", "auto", "sticky", "passes", "unsolved")
	return a.check
}

// settle refuses a question that nothing can be right for.
func (a *asking) settle() {
	right := 0
	for _, choice := range a.Choices {
		if choice.Right {
			right++
		}
	}
	for _, answer := range a.Answers {
		if answer.Right {
			right++
		}
	}
	switch {
	case a.broken || !slices.Contains(questionTypes, a.Type):
	case !a.listed && a.choosing():
		a.b.failWord("This question has nothing to choose from.", "Write a list of it: “- [x] right”, “- [ ] wrong”; of an order “1. first”, “2. second”.")
	case a.choosing() && len(a.Choices) < 2:
		a.b.failWord("This question leaves no choice.", "Write two entries at least.")
	case a.decided && right > 0 || a.decided && a.listed && !a.choosing():
		a.b.failWord("A check decides about this question, so that its list must not.", "Delete the “[x]” or the check.")
	case a.decided || a.Type == "order":
	case right == 0:
		a.b.failWord("This question has no right answer.", "Write it as “- [x] answer”, or put a check into the question.")
	case a.Type == "choice" && right > 1:
		a.b.failWord("This question has more than one right answer.", "Keep one “[x]”, or write type=choices.")
	}
}

// choosing says that the answer is made of entries of the list.
func (q *Question) choosing() bool { return q.Type != "text" && q.Type != "number" }

// solvesItself says that a right answer can be told without the author's help.
func (q *Question) solvesItself(check *Check) bool {
	return check.Script == "" && q.Key(Values{}) != nil
}

// box is a task list's sign.
var box = regexp.MustCompile(`\[[ \txX]\]`)

// strayBoxes refuses what may be a choice that was not taken as one: its sign
// would tell whether it is right.
func (c *compiler) strayBoxes(n ast.Node) {
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering || n.Type() != ast.TypeBlock {
			return ast.WalkSkipChildren, nil
		}
		if _, fenced := n.(*fenceBlock); fenced {
			return ast.WalkSkipChildren, nil
		}
		for i := range n.Lines().Len() {
			s := n.Lines().At(i)
			if m := box.FindStringIndex(c.page.text[s.Start:s.Stop]); m != nil {
				c.failPage(span{s.Start + m[0], s.Start + m[1]}, "This looks like a choice, but stands in none.",
					"Start a line with it: “- [x] right”, “- [ ] wrong”. Put it into a fence if it is meant as it stands.")
			}
		}
		return ast.WalkContinue, nil
	})
}

// parseNumber reads a number as people write it: with a point or a comma
// before the decimals, and spaces between thousands.
func parseNumber(s string) (float64, bool) {
	plain := make([]rune, 0, len(s))
	for _, r := range s {
		switch r {
		case ' ', '\u00a0', '\u202f', '\u2009', '\'', '’':
		case ',':
			plain = append(plain, '.')
		case '−':
			plain = append(plain, '-')
		default:
			plain = append(plain, r)
		}
	}
	if !numberForm.MatchString(string(plain)) {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(plain), 64)
	return n, err == nil
}

var numberForm = regexp.MustCompile(`^[+-]?[0-9]{1,30}(\.[0-9]{0,30})?([eE][+-]?[0-9]{1,2})?$`)
