package content

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// secretive is a tutorial with the word "s3cr3t" wherever no student may see
// it, and nowhere else.
const secretive = opening + `
Some *text* on {{port}}.

## Serve a page

:::task {#serve title="Serve a page"}
Make nginx answer.

` + "```check {#up host=web points=2}" + `
:pass: s3cr3t pass
:fail: s3cr3t fail
test "$x" = s3cr3t
` + "```" + `

` + "```solve {for=up}" + `
echo s3cr3t >/x
` + "```" + `

` + "```mistake {for=up expect=\"s3cr3t fail\"}" + `
rm s3cr3t
` + "```" + `

` + "```bash" + `
ls
` + "```" + `

:::hint {after=2}
Look for s3cr3t.
:::
:::

Done.
`

// secretiveQuestions hides the keys of questions, what is told about answers,
// and how machines are prepared.
const secretiveQuestions = opening + `
` + "```setup {file=/etc/app/conf mode=0600}" + `
s3cr3t
` + "```" + `

:::question {#tool type=text points=2}
Which tool?

- [ ] s3cr3t wrong
  > s3cr3t feedback
- [x] s3cr3t right
:::

Between.

:::question {#pick type=choice}
Which one?

- [ ] ls
  > s3cr3t lists files
- [x] bash
  > s3cr3t reads commands

:::hint {after=1}
Not s3cr3t.
:::
:::

:::question {#kernel type=text}
` + "```check {timeout=5s}" + `
:fail: s3cr3t
test "$ANSWER" = s3cr3t
` + "```" + `
:::

` + "```solve {for=kernel answer=s3cr3t}" + `
` + "```" + `

` + "```setup" + `
touch /s3cr3t
` + "```" + `
`

// shows says whether a page tells an answer: a secret, or the sign of a choice.
func shows(page string) bool {
	return strings.Contains(page, "s3cr3t") || strings.ContainsAny(page, "☐☑") || box.MatchString(page)
}

func TestSecretsStayOffPages(t *testing.T) {
	tutorial := mustCompile(t, secretive)
	if page := visible(tutorial); shows(page) {
		t.Errorf("the page shows a secret:\n%s", page)
	}
	questions := mustCompile(t, secretiveQuestions)
	if page := visible(questions); shows(page) || !strings.Contains(page, "⟦question pick⟧") {
		t.Errorf("the page shows a secret, or no question:\n%s", page)
	}
	if all := describe(questions); strings.Count(all, "s3cr3t") != strings.Count(secretiveQuestions, "s3cr3t") {
		t.Errorf("secrets were lost:\n%s", all)
	}
	if !strings.Contains(dump(tutorial.Hints[0].Body), "s3cr3t") {
		t.Error("the hint lost its text")
	}
	check := tutorial.Checks[0]
	for _, text := range []string{check.Script, check.PassMessage, check.FailMessage, tutorial.Solutions[0].Script,
		tutorial.Mistakes[0].Script, tutorial.Mistakes[0].Expect} {
		if !strings.Contains(text, "s3cr3t") {
			t.Errorf("%q lost its text", text)
		}
	}
}

func TestShownSolutionIsNotOnPageEither(t *testing.T) {
	tutorial := mustCompile(t, strings.Replace(secretive, "{for=up}", "{for=up show}", 1))
	if page := visible(tutorial); strings.Contains(page, "s3cr3t") || !strings.Contains(page, "⟦solution up⟧") {
		t.Errorf("the page should have the solution's place and not its text:\n%s", page)
	}
	if !tutorial.Solutions[0].Shown {
		t.Error("the solution is not marked as shown")
	}
}

// TestTypoNeverShowsSecret makes every mistake of one key that a text can
// have: each character left out, doubled, swapped with the next or replaced,
// each line left out, doubled, joined with the next, indented or split from
// its end. The course must be refused, or keep its secrets.
func TestTypoNeverShowsSecret(t *testing.T) {
	t.Run("scripts", func(t *testing.T) {
		mistype(t, secretive, "x", " ", "\n", "`", ":", "{", "}", "\"", "#", ">", "<", "~", "-", "\t", "\\", "!--")
	})
	t.Run("questions", func(t *testing.T) { mistype(t, secretiveQuestions, "x", " ", "\n", "`", "]", ">", "!--") })
}

func mistype(t *testing.T, body string, replacements ...string) {
	t.Helper()
	seen := map[string]bool{}
	refusals := 0
	try := func(what, text string) {
		if seen[text] {
			return
		}
		seen[text] = true
		c, _ := Load(courseWith(text))
		if c == nil {
			refusals++
			return
		}
		if page := visible(c.Tutorial("web")); shows(page) {
			t.Errorf("%s: the page shows a secret\n%s", what, page)
		}
	}
	for i := range len(body) {
		what := fmt.Sprintf("byte %d %q", i, body[i])
		try(what+" left out", body[:i]+body[i+1:])
		try(what+" doubled", body[:i+1]+body[i:])
		if i+1 < len(body) {
			try(what+" swapped", body[:i]+body[i+1:i+2]+body[i:i+1]+body[i+2:])
		}
		for _, with := range replacements {
			try(what+" replaced by "+with, body[:i]+with+body[i+1:])
		}
	}
	lines := strings.SplitAfter(body, "\n")
	join := func(lines ...[]string) string { return strings.Join(slices.Concat(lines...), "") }
	for i, line := range lines {
		what := fmt.Sprintf("line %d", i+1)
		rest := lines[i+1:]
		try(what+" left out", join(lines[:i], rest))
		try(what+" doubled", join(lines[:i], []string{line, line}, rest))
		for _, indent := range []string{"  ", "    ", "\t", "> ", "- ", "1. ", "<!-- ", "<div>", "# ", "``", "```", ":::", "\\"} {
			try(what+" after "+indent, join(lines[:i], []string{indent + line}, rest))
		}
		if len(rest) > 0 {
			try(what+" swapped", join(lines[:i], []string{rest[0], line}, rest[1:]))
		}
		try(what+" in capitals", join(lines[:i], []string{strings.ToUpper(line)}, rest))
	}
	if refusals < len(seen)/10 {
		t.Errorf("only %d of %d mistakes were refused: is this test still looking?", refusals, len(seen))
	}
	t.Logf("%d mistakes, %d refused", len(seen), refusals)
}
