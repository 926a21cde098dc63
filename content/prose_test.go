package content

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestFormulas(t *testing.T) {
	for text, want := range map[string]string{
		"$x$":                    `<p><span class="math">x</span></p>`,
		"$x$, $y$":               `<p><span class="math">x</span>, <span class="math">y</span></p>`,
		"$5 and $6":              `<p>$5 and $6</p>`,
		"$x$5":                   `<p>$x$5</p>`,
		"a $ b $":                `<p>a $ b $</p>`,
		"$a b $c$":               `<p><span class="math">a b $c</span></p>`,
		`$a\$b$`:                 `<p><span class="math">a\$b</span></p>`,
		`\$a$`:                   `<p>$a$</p>`,
		"$$":                     ``, // refused: never closed
		"$$ x $$":                `<p><span class="math display">x</span></p>`,
		"$$x$$ y":                `<p><span class="math display">x</span> y</p>`,
		"see $$, the process":    `<p>see $$, the process</p>`,
		"$$$$":                   `<p>$$$$</p>`,
		"run $a and `b$`":        `<p>run $a and <code>b$</code></p>`,
		"`a$` and $b$":           `<p><code>a$</code> and <span class="math">b</span></p>`,
		"$a < b & c$":            `<p><span class="math">a &lt; b &amp; c</span></p>`,
		"> $a\n> b$":             "<blockquote>\n<p><span class=\"math\">a\nb</span></p>\n</blockquote>",
		"- $$\n  a\n\n  b\n  $$": "<ul>\n<li>\n<div class=\"math display\">a\n\nb</div>\n</li>\n</ul>",
	} {
		c, findings := Load(courseWith(opening + text + "\n"))
		if want == "" {
			if c != nil || !strings.Contains(findings.String(), "formula is not closed") {
				t.Errorf("%q is not refused: %v", text, findings)
			}
			continue
		}
		if len(findings) > 0 {
			t.Errorf("%q: %v", text, findings)
			continue
		}
		if got := strings.TrimSpace(dump(c.Tutorial("web").Steps[0].Body)); got != want {
			t.Errorf("%q makes\n%s\nwant\n%s", text, got, want)
		}
	}
}

// TestCornersOfTablesAreNoHeadings: a heading without words is a fault that
// browsers' checkers find.
func TestCornersOfTablesAreNoHeadings(t *testing.T) {
	c, findings := Load(courseWith(opening + "| | inner |\n|---|--:|\n| client | 1 |\n"))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	got := strings.Join(strings.Fields(dump(c.Tutorial("web").Steps[0].Body)), "")
	want := strings.Join(strings.Fields(`<table><thead><tr><td></td><th align="right">inner</th></tr></thead>
		<tbody><tr><td>client</td><td align="right">1</td></tr></tbody></table>`), "")
	if got != want {
		t.Errorf("a table with an empty corner makes\n%s\nwant\n%s", got, want)
	}
}

func TestHeadingsLikeBlocks(t *testing.T) {
	if _, findings := Load(courseWith(opening + "## Tabs {#tabs}\n\n### Include {#include}\n\nx\n")); len(findings) > 0 {
		t.Error(findings)
	}
}

func TestVariablesOfTheShellInProse(t *testing.T) {
	c, findings := Load(courseWith(opening + "It is in $HOME/$USER there.\n"))
	if c == nil || len(findings) != 1 || findings[0].Severity != Warning || findings[0].Column != 10 || findings[0].Length != 7 {
		t.Errorf("found %v", findings)
	}
}

// TestFootnotesOfHintsStayOffPages keeps what a hint says in a footnote from
// those who have not opened it.
func TestFootnotesOfHintsStayOffPages(t *testing.T) {
	tutorial := mustCompile(t, opening+"Text[^b].\n\n:::hint\nLook[^a] and[^b].\n:::\n\n[^a]: s3cr3t\n[^b]: known\n")
	page := visible(tutorial)
	if strings.Contains(page, "s3cr3t") || !strings.Contains(page, "known") {
		t.Errorf("the page is\n%s", page)
	}
	if hint := dump(tutorial.Hints[0].Body); !strings.Contains(hint, "s3cr3t") || strings.Contains(hint, "known") {
		t.Errorf("the hint is\n%s", hint)
	}
}

func TestRefusedInProse(t *testing.T) {
	for _, r := range []refused{
		{"no such footnote", "[^aple]: x\n\na⟪[^apple]⟫\n", "no footnote “apple”", "“aple”"},
		{"unused footnote", "[^⟪a⟫]: x\n", "Nothing refers", "“[^a]”"},
		{"footnote twice", "[^a]\n\n[^a]: x\n\n[^⟪A⟫]: y\n", "stands in line 11 already", ""},
		{"empty footnote", "[^a]\n\n[^⟪a⟫]:\n", "is empty", ""},
		{"footnote in a footnote", "[^a]\n\n[^a]: x⟪[^a]⟫\n", "can't stand in a footnote", ""},
		{"check in a footnote", "[^a]\n\n[^a]: x\n\n    ```⟪check⟫ {#c unsolved}\n    x\n    ```\n", "can't stand in a footnote", ""},
		{"hint in a footnote", "[^a]\n\n[^a]: x\n\n    ⟪:::⟫hint\n    x\n    :::\n", "can't stand in a footnote", ""},
		{"footnote of a step's title", "## A⟪[^a]⟫\n\n[^a]\n\n[^a]: x\n", "can't stand here", ""},
		{"footnote of another hint", ":::hint\n[^a]\n:::\n\n:::hint\n⟪[^a]⟫\n:::\n\n[^a]: x\n", "another hint", ""},
		{"open formula", "⟪$$⟫\na\n", "not closed", "two dollars"},
		{"empty formula", "⟪$$⟫\n\n$$\n", "is empty", ""},
		{"unknown variable in a formula", "$a_⟪{{prot}}⟫$\n", "no variable “prot”", "“port”"},
		{"text between tabs", ":::tabs\n⟪text⟫\n:::\n", "between tabs", ""},
		{"note between tabs", ":::tabs\n⟪:::note⟫\nx\n:::\n:::\n", "between tabs", ""},
		{"no tabs", ":::⟪tabs⟫\n:::\n", "no tabs in here", ""},
		{"tab alone", ":::⟪tab⟫ {title=a}\nx\n:::\n", "in tabs only", ":::tabs"},
		{"tab without title", ":::tabs\n:::⟪tab⟫\nx\n:::\n:::\n", "has no title", ""},
		{"empty tab", ":::tabs\n:::⟪tab⟫ {title=a}\n:::\n:::\n", "is empty", ""},
		{"step in a tab", ":::tabs\n:::tab {title=a}\n⟪## A⟫\n:::\n:::\n", "can't start in a tab", ""},
		{"line that is none", "```sh {lines=⟪x⟫}\nls\n```\n", "neither a line nor a range", "4-6"},
		{"line 0", "```sh {lines=⟪0⟫}\nls\n```\n", "neither a line nor a range", ""},
		{"range backwards", "```sh {lines=⟪\"1,3-2\"⟫}\na\nb\nc\n```\n", "“3-2” is neither", ""},
		{"line too many", "```sh {lines=⟪2-3⟫}\na\nb\n```\n", "has 2 lines, and no line 3", ""},
		{"id on code", "```⟪sh⟫ {#a lines=1}\nls\n```\n", "is a language", "lang=sh"},
		{"lines on no language", "```⟪frob⟫ {lines=1}\nls\n```\n", "no block “frob”", ""},
		{"diagram without title", "```⟪mermaid⟫\ngraph LR\n```\n", "has no title", ""},
		{"diagram without anything", "```⟪mermaid⟫ {title=x}\n```\n", "is empty", ""},
		{"diagram in colons", ":::⟪mermaid⟫ {title=x}\nx\n:::\n", "fenced by backticks", ""},
		{"remains in a diagram", "```mermaid {title=x}\na ⟪{for=b}⟫\n```\n", "attributes", ""},
	} {
		t.Run(r.name, func(t *testing.T) {
			r.text = opening + r.text
			r.test(t, "tutorials/web.md", func(text string) (*Course, Findings) { return Load(courseWith(text)) })
		})
	}
}

// included is a course whose tutorial includes files.
func included(tutorial string, files map[string]string) fstest.MapFS {
	fsys := courseWith(opening + tutorial)
	for name, text := range files {
		fsys["tutorials/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

const taskText = ":::task {#t title=T}\n```check {#up}\n:fail: No.\ntest -e /x\n```\n\n```solve {for=up}\ntouch /x\n```\n:::\n"

func TestIncludedProse(t *testing.T) {
	c, findings := Load(included("Before\n:::include {file=parts/a.md}\n:::\nafter [x](#deep)\n", map[string]string{
		"parts/a.md":     "from a\n\n" + taskText + "\n::: include {file=\"sub/b.md\"}\n\n:::\n![tree](../tree.png) [^n]\n\n[^n]: x",
		"parts/sub/b.md": "### Deep {#deep}\n[up](../../pipes.md) {{port}}",
	}))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	tutorial := c.Tutorial("web")
	const want = `<p>Before</p>
<p>from a</p>
<section class="task" id="t">
<h2 class="task-title">T</h2>
⟦check up⟧
</section>
<h2 id="deep">Deep</h2>
<p><a href="pipes">up</a> ⟦port⟧</p>
<p><img src="web/files/tree.png" alt="tree"> <sup class="footnote-mark"><a href="#fn:1" id="fnref:1" role="doc-noteref">1</a></sup></p>
<p>after <a href="#deep">x</a></p>
<section class="footnotes" role="doc-endnotes">
<ol>
<li id="fn:1" value="1">
<p>x <a href="#fnref:1" role="doc-backlink" aria-label="[1]">↩︎</a></p>
</li>
</ol>
</section>`
	if got := strings.TrimSpace(dump(tutorial.Steps[0].Body)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	check := tutorial.Checks[0]
	if check.File != "tutorials/parts/a.md" || check.Line != 4 || check.place.line != 6 {
		t.Errorf("the check is at %s:%d, its script at line %d", check.File, check.Line, check.place.line)
	}
}

func TestIncludedProseCountsInRevision(t *testing.T) {
	revision := func(part string) string {
		c, findings := Load(included(":::include {file=parts/a.md}\n:::\n", map[string]string{"parts/a.md": part}))
		if c == nil {
			t.Fatal(findings)
		}
		return c.Revision
	}
	if revision("a\n") == revision("b\n") {
		t.Error("another text has the same revision")
	}
}

// TestRefusedInIncludedFile looks at findings in parts/a.md.
func TestRefusedInIncludedFile(t *testing.T) {
	for _, r := range []refused{
		{"in its text", "text\n\n[x](⟪#nowhere⟫)\n", "", ""},
		{"link", "text\n\n[x](⟪gone.txt⟫)\n", "no file “gone.txt”", ""},
		{"check without solution", "text\n\n⟪```check {#lost}⟫\ntest 1\n```\n", "has no solution", ""},
		{"variable", "\n\n\n{{port}} ⟪{{prot}}⟫\n", "no variable “prot”", ""},
		{"front matter", "⟪---⟫\ntitle: T\n---\n", "no front matter", ""},
		{"end of what it has not started", "text\n⟪:::⟫\n", "no open block", ""},
		{"open block", "⟪:::note⟫\ntext\n", "not closed in its file", ""},
		{"open fence", "⟪```⟫\ntext\n", "not closed in its file", ""},
		{"open comment", "⟪<!-- text⟫\n", "not closed in its file", ""},
		{"itself", ":::include {file=⟪a.md⟫}\n:::\n", "include itself", ""},
		{"no text", "a⟪\x01⟫\n", "control character", ""},
		{"missing", ":::include {file=⟪b.md⟫}\n:::\n", "no file “b.md”", "“a.md”"},
	} {
		t.Run(r.name, func(t *testing.T) {
			if r.message == "" {
				r.message = "nothing with the id “nowhere”"
			}
			r.test(t, "tutorials/parts/a.md", func(text string) (*Course, Findings) {
				return Load(included("A\n\nB\n\n:::include {file=parts/a.md}\n:::\nC\n", map[string]string{"parts/a.md": text}))
			})
		})
	}
}

func TestRefusedIncludes(t *testing.T) {
	files := map[string]string{"parts/a.md": "text\n", "parts/code.py": "1\n2\n3\n", "parts/.env": "x", "parts/b.bin": "\x00\xff"}
	files["parts/many.md"] = strings.Repeat(":::include {file=a.md}\n:::\n", maxIncludes)
	files["parts/large.md"] = strings.Repeat("text\n", maxTutorial/10)
	for i := range maxIncludeDepth {
		files["d"+string(rune('1'+i))+"/x.md"] = ":::include {file=../d" + string(rune('2'+i)) + "/x.md}\n:::\n"
	}
	files["d5/x.md"] = "deep\n"
	for _, r := range []refused{
		{"missing file", ":::include {file=⟪parts/b.md⟫}\n:::\n", "no file “parts/b.md”", "“a.md”"},
		{"no file", ":::⟪include⟫\n:::\n", "has no file", ""},
		{"outside", ":::include {file=⟪../course.yaml⟫}\n:::\n", "to include", "must be in the folder"},
		{"absolute", ":::include {file=⟪/etc/passwd⟫}\n:::\n", "no file “/etc/passwd” to include", ""},
		{"hidden", "```include {file=⟪parts/.env⟫}\n```\n", "to include", "not hidden"},
		{"tutorial", ":::include {file=⟪pipes.md⟫}\n:::\n", "is a tutorial", "parts/x.md"},
		{"itself", ":::include {file=⟪web.md⟫}\n:::\n", "include itself", ""},
		{"not Markdown", ":::include {file=⟪parts/code.py⟫}\n:::\n", "from Markdown files", "```include"},
		{"lines of prose", ":::include {file=parts/a.md ⟪lines⟫=1}\n:::\n", "included whole", ""},
		{"unknown attribute", ":::include {⟪fiel⟫=parts/a.md}\n:::\n", "no attribute “fiel”", "“file”"},
		{"open", ":::⟪include⟫ {file=parts/a.md}\n", "not closed", ""},
		{"with text", ":::⟪include⟫ {file=parts/a.md}\ntext\n:::\n", "holds nothing", ""},
		{"in a list", "- :::⟪include⟫ {file=parts/a.md}\n  :::\n", "in a list", ""},
		{"large", ":::include {file=parts/large.md}\n:::\n:::include {file=⟪parts/large.md⟫}\n:::\n", "more than 256 KiB", ""},
		{"Markdown as code", "```include {file=⟪parts/a.md⟫}\n```\n", "may hold answers", ":::include"},
		{"lines of code", "```include {file=parts/code.py lines=⟪2-4⟫}\n```\n", "has 3 lines, and no line 4", ""},
		{"lines that are none", "```include {file=parts/code.py lines=⟪a⟫}\n```\n", "neither a line", ""},
		{"language", "```include {file=parts/code.py lang=⟪klingon⟫}\n```\n", "no language", ""},
		{"code with text", "```⟪include⟫ {file=parts/code.py}\nx\n```\n", "holds nothing", ""},
		{"no text", "```include {file=⟪parts/b.bin⟫}\n```\n", "no text", ""},
	} {
		t.Run(r.name, func(t *testing.T) {
			r.text = opening + r.text
			r.test(t, "tutorials/web.md", func(text string) (*Course, Findings) {
				return Load(included(strings.TrimPrefix(text, opening), files))
			})
		})
	}
	for text, message := range map[string]string{
		":::include {file=d1/x.md}\n:::\n":                                          "more than 4 deep",
		":::include {file=parts/a.md}\n:::\n:::include {file=parts/many.md}\n:::\n": "more than 100 includes",
	} {
		if c, findings := Load(included(text, files)); c != nil || !strings.Contains(findings.String(), message) {
			t.Errorf("nothing says %q: %v", message, findings)
		}
	}
	if c, findings := Load(included(":::include {file=d2/x.md}\n:::\n", files)); c == nil {
		t.Error("four deep is refused", findings)
	}
}

func TestIncludedCode(t *testing.T) {
	c, findings := Load(included("```include {file=parts/code.py lines=\"2-3\" title=\"Lines\"}\n```\n\n:::hint\n```include {file=notes.txt}\n```\n:::\n",
		map[string]string{"parts/code.py": "import os\nprint({{port}}, {{other}})\n# <end>\n"}))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	const want = `<figure class="listing"><figcaption>Lines</figcaption>
<pre class="chroma" data-code tabindex="0"><code><span class="line"><span class="cl"><span class="nb">print</span><span class="p">(</span><span class="mi">⟦port⟧</span><span class="p">,</span> <span class="p">{{</span><span class="n">other</span><span class="p">}})</span>
</span></span><span class="line"><span class="cl"><span class="c1"># &lt;end&gt;</span>
</span></span></code></pre>
</figure>`
	if got := strings.TrimSpace(dump(c.Tutorial("web").Steps[0].Body)); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
