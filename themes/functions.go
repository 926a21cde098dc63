package themes

import (
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/labmark/labmark/themes/words"
)

// functions are what templates may call, in one language.
func functions(a *assets, l *words.Language) template.FuncMap {
	all := template.FuncMap{
		"t":         l.Say,       // {{t "Signed in as {name}" "name" .Name}}
		"tr":        l.Translate, // {{tr .Detail}}: said in Go
		"rich":      rich(l),     // {{rich "Read {link} first." "link" (…HTML…)}}
		"count":     func(n any, one, many string, holes ...any) string { return l.Count(number(n), one, many, holes...) },
		"richcount": richCount(l),

		"points":   l.Number,
		"minutes":  words.Minutes,
		"when":     l.When,
		"words":    func(outcome string) string { return l.Say(verdictWords(outcome)) },
		"asks":     func(kind string) string { return l.Say(asks(kind)) },
		"moment":   moment(l),
		"asset":    a.url,
		"percent":  percent,
		"datetime": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"inc":      func(i int) int { return i + 1 },
		"outcome":  outcome,
		"standing": standing,
		"ended":    ended,
		"soon":     soon,
		"breaks":   breaks,
		"oneLine":  oneLine,
		"total":    total,
		"use":      use,
		"tag":      tag,
		"keys":     keys,
		"link":     link,
		"strong":   strong,
		"code":     code,
		"links":    links,
		"deref":    func(f *float64) float64 { return *f },

		"attemptOutcome": attemptOutcome,

		"chosen":       chosen,
		"desktopGuest": desktopGuest,
		"inOrder":      inOrder,
		"left":         left,
		"machines":     machines,
		"spent":        spent,
	}
	maps.Copy(all, classFunctions(l))
	return all
}

// rich says a sentence with HTML in its holes; what is not template.HTML is
// escaped.
func rich(l *words.Language) func(string, ...any) template.HTML {
	return func(english string, holes ...any) template.HTML { return fill(l.Say(english), holes) }
}

// richCount is rich for a number with its noun.
func richCount(l *words.Language) func(any, string, string, ...any) template.HTML {
	return func(n any, one, many string, holes ...any) template.HTML {
		return fill(l.Count(number(n), one, many), holes)
	}
}

// fill puts HTML, or text that it escapes, into the holes of a sentence. The
// caller's holes stay as they are.
func fill(sentence string, holes []any) template.HTML {
	escaped := slices.Clone(holes)
	for i := 1; i < len(escaped); i += 2 {
		if _, ok := escaped[i].(template.HTML); !ok {
			escaped[i] = template.HTMLEscapeString(fmt.Sprint(escaped[i]))
		}
	}
	return template.HTML(words.Fill(template.HTMLEscapeString(sentence), escaped...))
}

// tag is an element for the hole of a sentence. Its attributes are the
// template's own words, as `id="score"`; its text is escaped.
func tag(name, attributes string, text any) template.HTML {
	if attributes != "" {
		attributes = " " + attributes
	}
	if name == "br" {
		return template.HTML("<br" + attributes + ">")
	}
	return template.HTML("<" + name + attributes + ">" + template.HTMLEscapeString(fmt.Sprint(text)) + "</" + name + ">")
}

// link is a link to a page of this site, for the hole of a sentence.
func link(href, text string) template.HTML {
	return template.HTML(`<a href="` + template.HTMLEscapeString(href) + `">` + template.HTMLEscapeString(text) + `</a>`)
}

// keys are pressed together.
func keys(names ...string) template.HTML {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = string(tag("kbd", "", n))
	}
	return template.HTML(strings.Join(all, " "))
}

// number is any of Go's numbers that pages hold.
func number(n any) float64 {
	switch n := n.(type) {
	case int:
		return float64(n)
	case int64:
		return float64(n)
	case float64:
		return n
	}
	panic(fmt.Sprintf("themes: %T is no number", n))
}

// percent is the whole per cent won, 0 where there is nothing to win. Only a
// full score is shown as 100.
func percent(s Score) int {
	if s.Of <= 0 {
		return 0
	}
	p := int(math.Round(100 * s.Points / s.Of))
	if p >= 100 && s.Points < s.Of {
		p = 99
	}
	return min(max(p, 0), 100)
}

// outcome is the state of a check's widget, which styles and icons follow:
// "idle", "running", "pass", "part", "fail" or "unsure".
func outcome(c *CheckView) string {
	switch {
	case c.Last != nil:
		return attemptOutcome(*c.Last)
	case c.Passed, c.Points > 0 && c.Won >= c.Points:
		return "pass"
	}
	return "idle"
}

// standing is what a check stands at by the attempt that counts, whatever the
// last one said. A pass that came late won less and is a pass all the same.
func standing(c CheckView) string {
	switch {
	case c.Passed, c.Points > 0 && c.Won >= c.Points:
		return "pass"
	case c.Won > 0:
		return "part"
	}
	return outcome(&c)
}

// attemptOutcome is outcome for one attempt.
func attemptOutcome(a AttemptView) string {
	switch {
	case a.State == "running":
		return "running"
	case a.Verdict == "fail" && a.Won > 0:
		return "part"
	case a.Verdict == "":
		return "unsure"
	}
	return a.Verdict
}

// verdictWords says an outcome in words.
func verdictWords(outcome string) string {
	switch outcome {
	case "pass":
		return "Passed"
	case "part":
		return "Partly there"
	case "fail":
		return "Not yet"
	case "unsure":
		return "Could not tell"
	case "running":
		return "Checking…"
	}
	return "Not tried yet"
}

// total adds up the checks of a step, for its place in the navigation.
func total(s Step) Score {
	var sum Score
	for _, p := range s.Body {
		c := p.Check
		if p.Question != nil {
			c = &p.Question.CheckView
		}
		if c != nil {
			sum.Points += c.Won
			sum.Of += c.Points
		}
	}
	return sum
}

// use is a reference to one of the symbols of the layout's icon sheet.
func use(icon string) template.HTML {
	return template.HTML(`<svg class="icon" aria-hidden="true" focusable="false"><use href="#i-` +
		template.HTMLEscapeString(icon) + `"/></svg>`)
}
