package content

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// hostileTime bounds the reading of a text of half the largest size. It is wide,
// for slow machines: what takes a time that grows with the square of the
// text takes minutes.
const hostileTime = 60 * time.Second

func TestHostileTextsAreBounded(t *testing.T) {
	const size = maxTutorial/2 - 1000
	repeat := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, text := range map[string]string{
		"quotes":            repeat(">"),
		"quotes by line":    repeat("> > > > > > > >\n"),
		"lists":             repeat("- "),
		"list by line":      repeat("- a\n"),
		"stairs":            stairs(size),
		"containers":        repeat(":::note\n"),
		"container ends":    repeat(":::\n"),
		"fences":            repeat("```\n"),
		"fence ladder":      ladder(size),
		"brackets":          repeat("["),
		"images":            repeat("!["),
		"links":             repeat("[a]("),
		"link paragraphs":   repeat(strings.Repeat("[a](", 999) + "\n\n"),
		"closed links":      repeat("[a](b) "),
		"nested emphasis":   repeat("*a **b "),
		"stars":             repeat("*"),
		"underscores":       repeat("_a"),
		"tildes":            repeat("~a~"),
		"backticks":         ticks(size),
		"angle brackets":    repeat("<"),
		"tags":              repeat("<b>"),
		"comments":          repeat("<!--"),
		"blocks of HTML":    repeat("<div>\n\n"),
		"entities":          repeat("&#0;"),
		"ampersands":        repeat("&"),
		"backslashes":       repeat("\\"),
		"holes":             repeat("{{port}}"),
		"undeclared holes":  repeat("{{x}}"),
		"braces":            repeat("{"),
		"literal holes":     repeat("\\{{"),
		"tables":            "a|b\n-|-\n" + repeat("|"),
		"wide table":        strings.Repeat("a|", size/4) + "\n" + strings.Repeat("-|", size/4) + "\n" + strings.Repeat("a|", size/8),
		"headings":          repeat("### a\n"),
		"steps":             repeat("## a\n"),
		"attributes":        ":::note " + repeat("{a=b "),
		"attribute list":    ":::note {" + repeat("a=b ") + "}\nx\n:::\n",
		"link definitions":  repeat("[a]: b\n"),
		"references":        "[a]: b\n\n" + repeat("[a]"),
		"addresses":         repeat("http://a.bc "),
		"one address":       "http://a.bc/" + repeat("a"),
		"mail":              repeat("a@b.cd "),
		"dots and at signs": repeat("a."),
		"one word":          repeat("a"),
		"dollars":           repeat("$"),
		"open formulas":     repeat("$a "),
		"pairs of dollars":  repeat("$$ a "),
		"formulas":          repeat("$a$ "),
		"formula lines":     repeat("$a\n"),
		"escaped dollars":   repeat("$a\\$"),
		"formulas and code": repeat("$a ` "),
		"formula blocks":    repeat("$$\na\n$$\n"),
		"footnotes":         repeat("[^a]: b\n"),
		"footnote marks":    "[^a]: b\n\n" + repeat("[^a]\n\n"),
		"lost footnotes":    "[^a]: b\n\n" + repeat("[^b]\n\n"),
		"footnote stairs":   repeat("[^a]: "),
		"blocks of tabs":    repeat(":::tabs\n:::tab {title=a}\n"),
		"lines":             "```sh {lines=\"" + repeat("1,") + "\"}\nls\n```\n",
		"blank lines":       repeat("\n"),
		"tabs":              repeat("\t\n"),
		"bash":              "```bash\n" + repeat("\"$(") + "\n```\n",
		"many checks":       repeat("```check {#a}\nx\n```\n"),
		"many hints":        repeat(":::hint\nx\n:::\n"),
		"many solves":       repeat("```solve {for=a show}\nx\n```\n"),
		"script lines":      "```check {#a unsolved}\n" + repeat("x\n") + "```\n",
		"setext":            repeat("a\n-\n"),
		"numbers":           repeat("1) "),
		"many questions":    repeat(":::question {#q type=text}\n- [x] a\n:::\n"),
		"many choices":      ":::question {#q type=choices}\n" + repeat("- [x] a\n") + ":::\n",
		"long pattern":      ":::question {#q type=text}\n- [x] /" + repeat("(a|") + "/\n:::\n",
		"greedy pattern":    ":::question {#q type=text}\n- [x] /" + repeat("(a*)*") + "/\n:::\n",
		"boxes":             ":::question {#q type=text}\n" + repeat("[x] ") + "\n:::\n",
		"many files":        repeat("```file {path=/x}\nx\n```\n"),
		"many setups":       repeat("```setup {at=x}\nx\n```\n"),
		"many answers":      repeat("```solve {for=q answer=1}\n```\n"),
		"lines of a file":   "```setup {file=/x}\n" + repeat("{{port}}\n") + "```\n",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			Load(courseWith(opening + text))
			took := time.Since(start)
			if took > hostileTime {
				t.Errorf("took %v", took)
			} else if took > time.Second {
				t.Logf("took %v", took)
			}
		})
	}
}

// stairs is a list in a list in a list …
func stairs(size int) string {
	var b strings.Builder
	for indent := ""; b.Len()+len(indent) < size; indent += "  " {
		b.WriteString(indent + "- a\n")
	}
	return b.String()
}

// ladder is a fence in a longer fence in a longer fence …
func ladder(size int) string {
	var b strings.Builder
	for n := 3; b.Len()+n < size; n++ {
		b.WriteString(strings.Repeat("`", n) + "\n")
	}
	return b.String()
}

// ticks are runs of backticks, none as long as another.
func ticks(size int) string {
	var b strings.Builder
	for n := 1; b.Len()+n < size; n++ {
		b.WriteString(strings.Repeat("`", n) + "a")
	}
	return b.String()
}

func TestLargeFilesAreRefused(t *testing.T) {
	for _, name := range []string{"course.yaml", "tutorials/web.md"} {
		fsys := courseWith(opening + "x\n")
		fsys[name].Data = []byte(strings.Repeat("a: b\n", 10<<20/5))
		c, findings := Load(fsys)
		if c != nil || !strings.Contains(findings.String(), "larger than") {
			t.Errorf("%s of 10 MB: %v", name, findings)
		}
	}
}

// TestHostileCourseIsBounded reads 10 MB of the slowest texts above, in as
// many tutorials as it takes.
func TestHostileCourseIsBounded(t *testing.T) {
	fsys := courseWith(opening + "x\n")
	for i := range 10 << 20 / maxTutorial {
		text := opening + strings.Repeat([]string{"*a **b ", "[a](b) ", "- a\n", "```setup {at=x}\nx\n```\n"}[i%4], (maxTutorial-1000)/24)
		fsys[fmt.Sprintf("tutorials/t%d.md", i)] = &fstest.MapFile{Data: []byte(text)}
	}
	start := time.Now()
	c, findings := Load(fsys)
	if c != nil || !strings.Contains(findings.String(), "more than") || time.Since(start) > 2*hostileTime {
		t.Errorf("10 MB in %d files took %v: %.300s", len(fsys), time.Since(start), findings)
	}
	fsys = courseWith(opening + "x\n")
	for i := range 2 * maxTutorials {
		fsys[fmt.Sprintf("tutorials/t%d.md", i)] = &fstest.MapFile{Data: []byte("---\ntitle: T\n---\nx\n")}
	}
	if c, findings := Load(fsys); c != nil || !strings.Contains(findings.String(), "tutorials") {
		t.Errorf("a course of %d tutorials: %.300s", len(fsys), findings)
	}
}

func TestHostileYAMLIsBounded(t *testing.T) {
	const size = maxYAML - 1000
	for name, text := range map[string]string{
		"open lists":    strings.Repeat("[", size),
		"open mappings": strings.Repeat("{", size),
		"nested":        strings.Repeat("{a: ", size/4),
		"stairs":        stairs(size),
		"bombs":         "a: &a [x]\nb: &b [" + strings.Repeat("*a,", 1000) + "]\n",
		"quotes":        strings.Repeat("'", size),
		"colons":        strings.Repeat("a: ", size/3),
		"keys":          strings.Repeat("a: b\n", size/5),
		"documents":     strings.Repeat("---\n", size/4),
		"dashes":        strings.Repeat("- ", size/2),
		"block text":    "a: |\n" + strings.Repeat("  x\n", size/4),
		"percent":       strings.Repeat("%", size),
		"tags":          strings.Repeat("!", size),
	} {
		t.Run(name, func(t *testing.T) {
			fsys := courseWith(opening + "x\n")
			fsys["course.yaml"].Data = []byte(text)
			start := time.Now()
			Load(fsys)
			if took := time.Since(start); took > hostileTime {
				t.Errorf("took %v", took)
			} else if took > time.Second {
				t.Logf("took %v", took)
			}
		})
	}
}
