package content

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const check = "```check {#up}\ntest -e /x\n```\n\n```solve {for=up}\ntouch /x\n```\n"

// marked takes ⟪ and ⟫ out of a text: they surround what must be underlined.
func marked(tb testing.TB, text string) (plain string, line, column, length int) {
	tb.Helper()
	before, rest, ok := strings.Cut(text, "⟪")
	place, after, closed := strings.Cut(rest, "⟫")
	if !ok || !closed {
		tb.Fatal("the text marks no place by ⟪⟫")
	}
	line = strings.Count(before, "\n") + 1
	column = utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:]) + 1
	return before + place + after, line, column, max(1, utf8.RuneCountInString(place))
}

// refused is a text that must be refused at the place that it marks.
type refused struct {
	name, text    string
	message, mend string // parts of them
}

func (r refused) test(t *testing.T, file string, load func(string) (*Course, Findings)) {
	text, line, column, length := marked(t, r.text)
	c, findings := load(text)
	if c != nil || findings.Err() == nil {
		t.Fatalf("the course is not refused; findings: %v", findings)
	}
	for _, f := range findings {
		if f.Severity == Error && strings.Contains(f.Message, r.message) && strings.Contains(f.Mend, r.mend) {
			if f.File != file || f.Line != line || f.Column != column || f.Length != length {
				t.Errorf("found at %s:%d:%d, %d wide; want %s:%d:%d, %d wide:\n%v", f.File, f.Line, f.Column, f.Length, file, line, column, length, f)
			}
			return
		}
	}
	t.Errorf("nothing says %q and %q; findings:\n%v", r.message, r.mend, findings)
}

func TestRefusedInTutorials(t *testing.T) {
	for _, r := range []refused{
		{"unknown fence word", "```⟪chek⟫ {#up}\nsecret\n```\n", "no block “chek”", "“check”"},
		{"mistyped fence word without braces", "```⟪slove⟫\nsecret\n```\n", "no block “slove”", "“solve”"},
		{"other name for a block", "```⟪solution⟫\nsecret\n```\n", "no block “solution”", "“solve”"},
		{"capitals", "```⟪Check⟫ {#up}\nsecret\n```\n", "no block “Check”", "“check”"},
		{"unknown word with braces", "```⟪frobnicate⟫ {#up}\nx\n```\n", "no block “frobnicate”", "Known here: assert"},
		{"language with braces", "```⟪bash⟫ {#up}\nx\n```\n", "“bash” is a language", "lang=bash"},
		{"braces without word", "⟪``` {#up}⟫\nx\n```\n", "without a block's word", "```check"},
		{"colon block with backticks", "```⟪task⟫ {#t title=T}\nx\n```\n", "fenced by colons", ":::task"},
		{"backtick block with colons", ":::⟪check⟫ {#up}\nsecret\n:::\n", "fenced by backticks", "```check"},
		{"unknown container", ":::⟪taks⟫ {#t}\nx\n:::\n", "no block “taks”", "“task”"},
		{"container without word", "⟪:::⟫ {#t}\nx\n:::\n", "word is missing", ":::note"},

		{"unknown attribute", "```check {#up ⟪hots⟫=web unsolved}\nx\n```\n", "no attribute “hots”", "“host”"},
		{"attribute of another block", ":::note {⟪points⟫=1}\nx\n:::\n", "no attribute “points”", "Known here: title"},
		{"attribute twice", "```check {#up points=1 ⟪points⟫=2 unsolved}\nx\n```\n", "stands here twice", ""},
		{"two ids", "```check {#up ⟪#down⟫ unsolved}\nx\n```\n", "one id only", ""},
		{"class of a check", "```check {#up ⟪.red⟫ unsolved}\nx\n```\n", "takes no class", ".red"},
		{"id of a run", "```run {⟪#go⟫}\nx\n```\n", "takes no id", "#go"},
		{"open braces", "```check ⟪{⟫#up\nx\n```\n", "attributes are not closed", "}"},
		{"open quote", "```mistake {for=up expect=⟪\"⟫abc}\nx\n```\n", "quote is not closed", ""},
		{"text after braces", "```check {#up unsolved} ⟪or so⟫\nx\n```\n", "Nothing may follow", "next line"},
		{"text in place of braces", "```check ⟪#up host=web⟫\nx\n```\n", "Attributes stand in braces", "{#id"},
		{"no value", "```check {#up ⟪points⟫= unsolved}\nx\n```\n", "“points” has no value", ""},

		{"check without id", "```⟪check⟫ {unsolved}\nx\n```\n", "This check has no id", "{#an-id"},
		{"task without id", ":::⟪task⟫ {title=T}\nx\n:::\n", "This task has no id", ""},
		{"task without title", ":::⟪task⟫ {#t}\nx\n:::\n", "This task has no title", "title="},
		{"bad id", "```check {⟪#Up_now⟫ unsolved}\nx\n```\n", "“Up_now” can't be an id", "lower-case"},
		{"answer of a check", check + "```solve {for=⟪up⟫ answer=1}\n```\n", "is no question", "name a question"},
		{"attribute of a later block", "```check {#up ⟪answer⟫=1 unsolved}\nx\n```\n", "no attribute “answer”", ""},

		{"question without type", ":::⟪question⟫ {#q}\n- [x] a\n:::\n", "question has no type", "choices"},
		{"unknown type", ":::question {#q type=⟪chioce⟫}\n- [x] a\n- [ ] b\n:::\n", "can't be “chioce”", "“choice”"},
		{"question without id", ":::⟪question⟫ {type=text}\n- [x] a\n:::\n", "question has no id", ""},
		{"question without list", ":::⟪question⟫ {#q type=choice}\nWhich?\n:::\n", "nothing to choose from", "- [x]"},
		{"text without list", ":::⟪question⟫ {#q type=text}\nWhich?\n:::\n", "no right answer", "check"},
		{"no right choice", ":::⟪question⟫ {#q type=choices}\n- [ ] a\n- [ ] b\n:::\n", "no right answer", ""},
		{"no right text", ":::⟪question⟫ {#q type=text}\n- [ ] a\n:::\n", "no right answer", ""},
		{"two right choices", ":::⟪question⟫ {#q type=choice}\n- [x] a\n- [x] b\n:::\n", "more than one right", "choices"},
		{"one choice", ":::⟪question⟫ {#q type=choice}\n- [x] a\n:::\n", "no choice", "two"},
		{"choice twice", ":::question {#q type=choice}\n- [x] a\n- [ ] ⟪a⟫\n:::\n", "stands here twice", ""},
		{"choice without box", ":::question {#q type=choice}\n- [x] a\n- ⟪b⟫\n:::\n", "whether it is right", "- [x]"},
		{"broken box", ":::question {#q type=choice}\n- [x] a\n- ⟪[o] b⟫\n:::\n", "whether it is right", ""},
		{"box without list", ":::question {#q type=text}\n- [x] a\n\n-⟪[x]⟫ b\n:::\n", "looks like a choice", ""},
		{"box in mid-text", ":::question {#q type=choice}\nOr `⟪[x]⟫`?\n\n- [x] a\n- [ ] b\n:::\n", "looks like a choice", "fence"},
		{"two boxes", ":::question {#q type=choice}\n- [x] a ⟪[ ]⟫ b\n- [ ] c\n:::\n", "second entry", ""},
		{"feedback on the choice's line", ":::question {#q type=choice}\n- [x] a⟪  >⟫ Yes.\n- [ ] c\n:::\n", "second entry or its feedback", ""},
		{"prose below a list", ":::question {#q type=choice}\n- [x] a\n- [ ] c\n\n⟪Yes.⟫\n:::\n", "before the list", "quote"},
		{"bare setup, broken", "```\n⟪setup⟫\ntouch /secret\n```\n", "looks like the start of a “setup”", "language"},
		{"bare setup, broken in its word", "```s\n⟪tup⟫\ntouch /secret\n```\n", "looks like the start of a “setup”", ""},
		{"bare setup, with a space", "```⟪se⟫ up\ntouch /secret\n```\n", "no block “se up”", "“setup”"},
		{"setup with its attributes on the next line", "```\n⟪{at=x}⟫\ntouch /secret\n```\n", "a block's attributes", ""},
		{"empty choice", ":::question {#q type=choice}\n- [x] a\n⟪- [ ]⟫\n:::\n", "has no text", "after the box"},
		{"choice of two lines", ":::question {#q type=choice}\n- ⟪[x] a⟫\n  b\n- [ ] c\n:::\n", "one line", "“>”"},
		{"choice of two paragraphs", ":::question {#q type=choice}\n- [x] a\n\n  ⟪b⟫\n- [ ] c\n:::\n", "one line", "“>”"},
		{"feedback beside the list", ":::question {#q type=choice}\n- [x] a\n- [ ] c\n\n⟪> No.⟫\n:::\n", "belongs to a choice", "Indent"},
		{"second list", ":::question {#q type=choice}\n- [x] a\n- [ ] b\n\nOr\n\n⟪- [ ] c⟫\n:::\n", "one list only", ""},
		{"order of bullets", ":::question {#q type=order}\n⟪- a⟫\n- b\n:::\n", "numbered list", "1. first"},
		{"order with boxes", ":::question {#q type=order}\n1. [x] ⟪a⟫\n2. b\n:::\n", "has no box", ""},
		{"numbered choices", ":::question {#q type=choice}\n⟪1. [x] a⟫\n2. [ ] b\n:::\n", "no numbered list", ""},
		{"feedback in an order", ":::question {#q type=order}\n1. a\n   ⟪> No.⟫\n2. b\n:::\n", "no feedback", ""},
		{"number that is none", ":::question {#q type=number}\n- [x] ⟪many⟫\n:::\n", "not a number", "type=text"},
		{"bad pattern", ":::question {#q type=text}\n- [x] ⟪/a(b/⟫\n:::\n", "pattern can't be read", "RE2"},
		{"tolerance of a text", ":::question {#q type=text ⟪tolerance⟫=1}\n- [x] a\n:::\n", "Only a number", "Delete"},
		{"tolerance that is none", ":::question {#q type=number tolerance=⟪-1⟫}\n- [x] 1\n:::\n", "how far off", "0.5"},
		{"case of a choice", ":::question {#q type=choice ⟪case⟫}\n- [x] a\n- [ ] b\n:::\n", "Only a text", ""},
		{"attempts", ":::question {#q type=text attempts=⟪-1⟫}\n- [x] a\n:::\n", "not a whole number", ""},
		{"block in a choice", ":::question {#q type=choice}\n- [x] a\n\n  ```⟪run⟫\n  ls\n  ```\n- [ ] b\n:::\n", "No block can stand in a question's list", ""},
		{"question in a question", ":::question {#q type=text}\n- [x] a\n\n:::⟪question⟫ {#r type=text}\n:::\n:::\n", "can't stand in a question", ""},
		{"question in a hint", ":::hint\n:::⟪question⟫ {#q type=text}\n- [x] a\n:::\n:::\n", "can't stand in a hint", ""},
		{"task in a question", ":::question {#q type=text}\n- [x] a\n\n:::⟪task⟫ {#t title=T}\n:::\n:::\n", "can't stand in a question", ""},
		{"list beside a check", ":::⟪question⟫ {#q type=text unsolved}\n- [x] a\n\n```check\nx\n```\n:::\n", "must not", "check"},
		{"marks beside a check", ":::⟪question⟫ {#q type=choice unsolved}\n- [x] a\n- [ ] b\n\n```check\nx\n```\n:::\n", "must not", "[x]"},
		{"id of a question's check", ":::question {#q type=text unsolved}\n```check {⟪#a⟫}\nx\n```\n:::\n", "no id of its own", "“q”"},
		{"points of a question's check", ":::question {#q type=text unsolved}\n```check {⟪points⟫=2}\nx\n```\n:::\n", "belongs to the question", ""},
		{"two checks in a question", ":::question {#q type=text unsolved}\n```check\nx\n```\n\n```⟪check⟫\nx\n```\n:::\n", "one check only", ""},
		{"question without solution", "⟪:::question {#q type=text}⟫\n```check\nx\n```\n:::\n", "“q” has no solution", "answer=…"},
		{"only a pattern", "⟪:::question {#q type=text}⟫\n- [x] /a+/\n:::\n", "“q” has no solution", "answer=…"},
		{"solution without an answer", "⟪:::question {#q type=text}⟫\n```check\nx\n```\n:::\n\n```solve {for=q}\nx\n```\n", "“q” has no solution", ""},
		{"answer that is no choice", ":::question {#q type=choice}\n- [x] left\n- [ ] right\n:::\n\n⟪```mistake {for=q answer=rigth expect=x}⟫\n```\n", "does not take the answer “rigth”", "“right”"},
		{"answer that is no number", ":::question {#q type=number}\n- [x] 1\n:::\n\n⟪```mistake {for=q answer=one expect=x}⟫\n```\n", "does not take the answer", "number"},
		{"undeclared in an answer", ":::question {#q type=number}\n- [x] ⟪{{prot}}⟫\n:::\n", "no variable “prot”", "“port”"},

		{"setup at an unknown step", "## Look {#look}\n\n```setup {at=⟪lock⟫}\nx\n```\n", "no step “lock”", "“look”"},
		{"empty setup", "```⟪setup⟫\n```\n", "setup is empty", ""},
		{"setup in a question", ":::question {#q type=text}\n- [x] a\n\n```⟪setup⟫\nx\n```\n:::\n", "can't stand in a question", ""},
		{"setup in a hint", ":::hint\n```⟪setup⟫\nx\n```\n:::\n", "can't stand in a hint", ""},
		{"relative file", "```setup {file=⟪etc/motd⟫}\nx\n```\n", "is relative", "/"},
		{"file out of its folder", "```setup {file=⟪/etc/../motd⟫}\nx\n```\n", "can't be the path", ""},
		{"file with a hole", "```setup {file=⟪/etc/{{user}}⟫}\nx\n```\n", "same for all students", ""},
		{"folder as a file", "```file {path=⟪/etc/⟫}\nx\n```\n", "can't be the path", ""},
		{"file without path", "```⟪file⟫ {#f}\nx\n```\n", "This file has no path", "path="},
		{"mode in words", "```file {path=/x mode=⟪rw⟫}\nx\n```\n", "not the mode", "0644"},
		{"mode of a program that runs as root", "```file {path=/x mode=⟪4755⟫}\nx\n```\n", "not the mode", ""},
		{"mode without a file", "```setup {⟪mode⟫=0644}\nx\n```\n", "Only a file", "Delete"},
		{"language of a file's setup", "```setup {file=/x ⟪lang⟫=sh}\nx\n```\n", "runs no script", "Delete"},
		{"owner", "```file {path=/x owner=⟪a:b⟫}\nx\n```\n", "account", ""},
		{"language of a file", "```file {path=/x lang=⟪frob⟫}\nx\n```\n", "language “frob” is not known", ""},
		{"guest of a setup", "```setup {host=⟪wev⟫}\nx\n```\n", "no guest “wev”", "“web”"},
		{"tools", "```check {#up tools=⟪gest⟫ unsolved}\nx\n```\n", "can't be “gest”", "“guest”"},

		{"same id twice", check + "\n:::note {⟪#up⟫}\nx\n:::\n", "The id “up” stands in line 9 already", ""},
		{"heading with a taken id", check + "\n## Up {⟪#up⟫}\n\nx\n", "stands in line 9 already", ""},
		{"unknown guest", "```check {#up host=⟪wev⟫ unsolved}\nx\n```\n", "no guest “wev”", "“web”"},
		{"points that are none", "```check {#up points=⟪many⟫ unsolved}\nx\n```\n", "not a number of points", ""},
		{"points not a number", "```check {#up points=⟪NaN⟫ unsolved}\nx\n```\n", "not a number of points", ""},
		{"hole as points", "```check {#up points=⟪{{port}}⟫ unsolved}\nx\n```\n", "not a number of points", ""},
		{"timeout that is none", "```check {#up timeout=⟪soon⟫ unsolved}\nx\n```\n", "is not a time", "5s"},
		{"timeout too long", "```check {#up timeout=⟪1h⟫ unsolved}\nx\n```\n", "from 1s to 5m", ""},
		{"auto too often", "```check {#up auto=⟪1ms⟫ unsolved}\nx\n```\n", "from 2s to 1h", ""},
		{"unknown language", "```check {#up lang=⟪pyton⟫ unsolved}\nx\n```\n", "can't be “pyton”", "“python”"},
		{"passes never", "```check {#up passes=⟪sometimes⟫ unsolved}\nx\n```\n", "can't be “sometimes”", "start"},
		{"sticky perhaps", "```check {#up sticky=⟪perhaps⟫ unsolved}\nx\n```\n", "not true or false", ""},
		{"bad user", "```check {#up user=⟪a/b⟫ unsolved}\nx\n```\n", "account", ""},
		{"empty check", "```⟪check⟫ {#up unsolved}\n:pass: Yes.\n\n```\n", "This check is empty", ""},
		{"empty run", "```⟪run⟫\n```\n", "This run is empty", ""},
		{"unknown message", "```check {#up unsolved}\n⟪:pas:⟫ Yes.\nx\n```\n", "no message “:pas:”", "“pass”"},
		{"message twice", "```check {#up unsolved}\n:pass: Yes.\n⟪:pass:⟫ No.\nx\n```\n", "stands here twice", ""},
		{"message below", "```check {#up unsolved}\nx\n⟪:fail:⟫ No.\n```\n", "before the script", "top"},
		{"empty message", "```check {#up unsolved}\n⟪:fail:⟫\nx\n```\n", "message is empty", ""},

		{"check without solution", "⟪```check {#up}⟫\nx\n```\n", "“up” has no solution", "solve {for=up}"},
		{"solution of nothing", check + "```solve {for=⟪uo⟫}\nx\n```\n", "no check “uo”", "“up”"},
		{"solution without for", check + "```⟪solve⟫\nx\n```\n", "This solve has no for", ""},
		{"mistake of nothing", check + "```mistake {for=⟪down⟫ expect=x}\nx\n```\n", "no check “down”", "up"},
		{"mistake without message", check + "```⟪mistake⟫ {for=up}\nx\n```\n", "This mistake has no expect", ""},

		{"task in a task", ":::task {#a title=A}\n:::⟪task⟫ {#b title=B}\nx\n:::\n:::\n", "can't stand in a task", ""},
		{"hint in a hint", ":::hint\n:::⟪hint⟫\nx\n:::\n:::\n", "can't stand in a hint", ""},
		{"check in a hint", ":::hint\n```⟪check⟫ {#c unsolved}\nx\n```\n:::\n", "can't stand in a hint", ""},
		{"empty hint", ":::⟪hint⟫\n:::\n", "hint is empty", ""},
		{"cost outside of a task", ":::hint {⟪cost⟫=1}\nx\n:::\n", "stands in none", ""},
		{"after without a check", ":::task {#a title=A}\n:::hint {⟪after⟫=1}\nx\n:::\n:::\n", "has no check", ""},
		{"after that is no number", ":::hint {after=⟪two⟫}\nx\n:::\n", "not a whole number", ""},
		{"step in a task", ":::task {#a title=A}\n⟪## Step⟫\n:::\n", "A step can't start in a task", "###"},
		{"step in a quote", "> ⟪## Step⟫\n", "list or a quote", ""},
		{"title in the text", "⟪# Title⟫\n\nx\n", "title stands in its front matter", ""},
		{"step without title", "⟪##⟫\n\nx\n", "no title", ""},
		{"heading with a class", "⟪## A {.b}⟫\n\nx\n", "no attribute “class”", "{#an-id}"},
		{"heading with broken braces", "## A ⟪{#b⟫\n\nx\n", "not an id that can be read", ""},

		{"open container", "⟪:::note⟫\nx\n", "is not closed", ":::"},
		{"open inner container", ":::task {#a title=A}\n\n- x\n\n  ⟪:::note⟫\n  y\n\n:::\n", "“note” is not closed", "indented"},
		{"stray closing", "x\n\n⟪:::⟫\n", "no open block", ""},
		{"open fence", "⟪```check⟫ {#up unsolved}\nx\n", "fence is not closed", "```"},
		{"open plain fence", "⟪~~~~⟫\nx\n", "fence is not closed", "~~~~"},
		{"open fence before a block", "```bash\nls\n\n⟪```⟫check {#up unsolved}\nx\n```\n", "still open", "Close the first"},
		{"too deep", strings.Repeat(":::note\n", maxDepth) + "⟪:::⟫note\nx\n" + strings.Repeat(":::\n", maxDepth), "More than 12 blocks", ""},
		{"too many quotes", "⟪" + strings.Repeat("> ", 30) + "x⟫\n", "More than 16 quotes", ""},

		{"two backticks", "``⟪check⟫ {#up}\nsecret\n``\n", "looks like a “check”", "```check"},
		{"quotes for backticks", "'''⟪solve⟫ {for=up}\nsecret\n'''\n", "looks like a “solve”", "```solve"},
		{"indented block", "Text.\n\n    ```⟪check⟫ {#up}\n    secret\n    ```\n", "looks like a “check”", "not indented"},
		{"block in HTML", "<pre>\n```⟪solve⟫ {for=up}\nsecret\n```\n</pre>\n", "looks like a “solve”", ""},
		{"two colons", "::⟪hint⟫ {after=2}\nsecret\n::\n", "looks like a “hint”", ":::hint"},
		{"block in mid-line", "Now: ```⟪solve⟫ {for=up}\nsecret\n```\n", "looks like a “solve”", ""},

		{"word on the next line", "```\nistake ⟪{for=up expect=\"x\"}⟫\nsecret\n```\n", "a block's attributes", ""},
		{"message before its block", "⟪:pass:⟫ Yes.\n\n" + check, "a check's message", ""},
		{"message in plain code", "```bash\n⟪:fail:⟫ No.\n```\n", "a check's message", ""},

		{"undeclared hole", "On port ⟪{{prot}}⟫.\n", "no variable “prot”", "“port”"},
		{"hole with spaces", "On port ⟪{{ port }}⟫.\n", "is not filled", "“{{port}}”"},
		{"undeclared in a link", "[x](http://localhost:⟪{{prot}}⟫/)\n", "no variable “prot”", "“port”"},
		{"undeclared after a filled one", "{{port}} and é {{user}}: ⟪{{prot}}⟫.\n", "no variable “prot”", ""},

		{"broken link", "See [x](⟪nothing.txt⟫).\n", "no file “nothing.txt”", "notes.txt"},
		{"broken tutorial", "See [x](⟪pipe.md⟫).\n", "no tutorial or file “pipe.md”", ""},
		{"broken id", "See [x](⟪#nowhere⟫).\n", "nothing with the id “nowhere”", ""},
		{"broken id elsewhere", "See [x](⟪pipes.md#jion⟫).\n", "“pipes” has nothing with the id “jion”", "“join”"},
		{"link out of the course", "See [x](⟪../course.yaml⟫).\n", "no tutorial or file", "tutorials"},
		{"link to a hidden file", "See [x](⟪.hidden⟫).\n", "no tutorial or file", ""},
		{"absolute path", "See [x](⟪/etc/passwd⟫).\n", "leads out of the course", ""},
		{"script as a link", "See [x](⟪javascript:alert(1)⟫).\n", "can't lead to", "https"},
		{"hidden script as a link", "See [x](⟪java&#115;cript&colon;alert(1)⟫).\n", "can't lead to", "https"},
		{"script in angle brackets", "See <⟪javascript:alert(1)⟫>.\n", "can't lead to", "https"},
		{"empty link", "See ⟪[⟫x]().\n", "no target", ""},
		{"broken picture", "![a tree](⟪tre.png⟫)\n", "no file “tre.png”", "“tree.png”"},
		{"picture without text", "![](⟪tree.png⟫)\n", "no alternative text", ""},
		{"picture of another site", "![x](⟪https://example.org/x.png⟫)\n", "other sites", ""},
		{"picture that is none", "![x](⟪notes.txt⟫)\n", "not a picture", ".png"},
		{"file with a hole", "[x](⟪{{user}}.txt⟫)\n", "another for each student", ""},

		{"script element", "⟪<script>⟫alert(1)</script>\n", "<script> is not kept", ""},
		{"event attribute", "x ⟪<b onclick=\"x\">⟫y</b>\n", "“onclick” is not kept", ""},
		{"style attribute", "⟪<div style=\"color:red\">⟫\n\nx\n\n</div>\n", "“style” is not kept", ""},
		{"raw picture", "⟪<img src=\"tree.png\">⟫\n", "written in Markdown", "!["},
		{"raw link within", "x <b>⟪<a href=\"notes.txt\">⟫y</a></b>\n", "written in Markdown", ""},
		{"open element", "⟪<div>⟫\n\nx\n", "not closed in its block", "</div>"},
		{"stray end tag", "x ⟪</div>⟫ y\n", "closes nothing", ""},
		{"end tag out of a task", ":::task {#a title=A}\n⟪</section>⟫\n:::\n", "<section> is not kept", ""},
		{"element across blocks", "x ⟪<b>⟫y\n\nz</b>\n", "not closed in its block", ""},
		{"open comment", "x\n\n⟪<!-- later⟫\n\nmore\n", "comment is not closed", "-->"},
		{"control character", "x⟪\x01⟫y\n", "control character", ""},
		{"no text", "⟪⟫", "no text", "##"},
	} {
		t.Run(r.name, func(t *testing.T) {
			r.text = opening + r.text
			r.test(t, "tutorials/web.md", func(text string) (*Course, Findings) { return Load(courseWith(text)) })
		})
	}
}

func TestAllFindingsAtOnce(t *testing.T) {
	_, findings := Load(courseWith("---\ntitle: T\ntitel: U\nduration: x\n---\n{{a}}\n\n:::taks\n\n```chek {#up}\nx\n```\n\n" +
		"```solve {for=up}\ny\n```\n\n```run {hots=a}\nz\n```\n:::\n\n[x](nothing)\n"))
	var got []int
	for _, f := range findings {
		got = append(got, f.Line)
	}
	want := []int{3, 4, 6, 8, 10, 18, 23} // and no follow-up in line 14
	if !slices.Equal(got, want) {
		t.Errorf("findings in lines %v, want %v:\n%v", got, want, findings)
	}
}

const twoGuests = "---\ntitle: T\nguests: {a: , b: , c: }\n"

func TestRefusedInFrontMatter(t *testing.T) {
	for _, r := range []refused{
		{"none", "⟪## Step⟫\n", "starts with front matter", "---"},
		{"open", "⟪---⟫\ntitle: T\n", "not closed", ""},
		{"empty", "⟪---⟫\n---\nx\n", "front matter is empty", "title"},
		{"no title", "⟪---⟫\nsummary: S\n---\nx\n", "no title", ""},
		{"empty title", "---\ntitle:⟪⟫\n---\nx\n", "title is empty", ""},
		{"unknown name", "---\ntitle: T\n⟪guest⟫: {}\n---\nx\n", "no “guest”", "“guests”"},
		{"name twice", "---\ntitle: T\n⟪title⟫: U\n---\nx\n", "stands here twice", ""},
		{"broken YAML", "---\ntitle: T\nsummary: ⟪[⟫a\n---\nx\n", "not YAML", ""},
		{"after umlauts", "---\ntitle: T\nvars: {a: {choice: [\"ö\", x, ⟪x⟫]}}\n---\nx\n", "twice", ""},
		{"duration", "---\ntitle: T\nduration: ⟪soon⟫\n---\nx\n", "is not a time", "45m"},
		{"networks' guests", "---\ntitle: T\nnetworks: {lan: {guests: [⟪web⟫]}}\n---\nx\n", "no guest “web”", "guest"},
		{"guest twice in a network", twoGuests + "networks: {lan: {guests: [a, ⟪a⟫]}}\n---\nx\n", "stands here twice", ""},
		{"network without guests", twoGuests + "networks: {⟪lan⟫: {rate: 1mbit}}\n---\nx\n", "has no guests", "guests: [one, two]"},
		{"network's name", twoGuests + "networks: {⟪a-very-long-name⟫: {guests: [a, b]}}\n---\nx\n", "can't be a network's name", "15"},
		{"network called as a card", twoGuests + "networks: {⟪eth0⟫: {guests: [a, b]}}\n---\nx\n", "can't be a network's name", "eth0"},
		{"setting of a network", twoGuests + "networks: {lan: {guests: [a, b], ⟪lost⟫: 1%}}\n---\nx\n", "no “lost”", "“loss”"},
		{"rate", twoGuests + "networks: {lan: {guests: [a, b], rate: ⟪fast⟫}}\n---\nx\n", "not a rate", "10mbit"},
		{"delay", twoGuests + "networks: {lan: {guests: [a, b], delay: ⟪1h⟫}}\n---\nx\n", "must be from", ""},
		{"loss", twoGuests + "networks: {lan: {guests: [a, b], loss: ⟪0.5⟫}}\n---\nx\n", "share of frames", "1%"},
		{"subnet", twoGuests + "networks: {lan: {guests: [a, b], subnet: ⟪10.1.0.7/24⟫}}\n---\nx\n", "the network is 10.1.0.0/24", ""},
		{"subnet without room", twoGuests + "networks: {lan: {guests: [a, b, c], subnet: ⟪10.1.0.0/30⟫}}\n---\nx\n", "no room for 3", ""},
		{"subnet of another", twoGuests + "networks:\n  one: {guests: [a, b]}\n  two: {guests: [a, b], subnet: ⟪10.77.0.0/16⟫}\n---\nx\n", "addresses in common", ""},
		{"cut at an unknown step", twoGuests + "networks: {lan: {guests: [a, b], cut: [⟪stpe⟫]}}\n---\n## Step {#step}\n\nx\n", "no step “stpe”", "“step”"},
		{"cut sometimes", twoGuests + "networks: {lan: {guests: [a, b], cut: ⟪sometimes⟫}}\n---\nx\n", "a list of steps", ""},
		{"too many networks of a guest", twoGuests + "networks:\n  n1: {guests: [a]}\n  n2: {guests: [a]}\n  n3: {guests: [a]}\n  n4: {guests: [a]}\n  ⟪n5⟫: {guests: [a]}\n---\nx\n", "more than 4 networks", ""},
		{"too many guests", "---\ntitle: T\nguests: {a: , b: , c: , d: , e: , f: , g: , h: , ⟪i⟫: }\n---\nx\n", "More than 8 guests", ""},
		{"guest twice", "---\ntitle: T\nguests:\n  a:\n  ⟪a⟫:\n---\nx\n", "stands here twice", ""},
		{"localhost", "---\ntitle: T\nguests:\n  ⟪localhost⟫:\n---\nx\n", "can't be a guest's name", ""},
		{"password", "---\ntitle: T\nvars:\n  a: {password: ⟪3⟫}\n---\nx\n", "from 4 to 64", ""},
		{"words", "---\ntitle: T\nvars:\n  a: {words: ⟪many⟫}\n---\nx\n", "number of words", ""},
		{"network of an address", "---\ntitle: T\nvars:\n  a: {ip: ⟪10.0.0.1⟫}\n---\nx\n", "not a network of IPv4", "10.0.0.0/8"},
		{"network of one", "---\ntitle: T\nvars:\n  a: {ip: ⟪10.0.0.0/31⟫}\n---\nx\n", "no room", ""},
		{"days", "---\ntitle: T\nvars:\n  a: {date: ⟪2026-02-30..2026-03-01⟫}\n---\nx\n", "not a range of days", ".."},
		{"days backwards", "---\ntitle: T\nvars:\n  a: {date: ⟪2026-02-02..2026-02-01⟫}\n---\nx\n", "ends before", ""},
		{"file of lines", "---\ntitle: T\nvars:\n  a: {line: ⟪none.txt⟫}\n---\nx\n", "no file “none.txt”", "tutorials"},
		{"file out of the course", "---\ntitle: T\nvars:\n  a: {line: ⟪../course.yaml⟫}\n---\nx\n", "no file", ""},
		{"hidden file of lines", "---\ntitle: T\nvars:\n  a: {line: ⟪.hidden⟫}\n---\nx\n", "no file", ""},
		{"count", "---\ntitle: T\nvars:\n  a: {int: 1-6, count: ⟪0⟫}\n---\nx\n", "number of values", ""},
		{"count of too few", "---\ntitle: T\nvars:\n  a: {int: 1-6, count: ⟪7⟫}\n---\nx\n", "only 6 different", ""},
		{"count of values with spaces", "---\ntitle: T\nvars:\n  a: {choice: [a b, c], count: ⟪2⟫}\n---\nx\n", "spaces", ""},
		{"count of nothing", "---\ntitle: T\nvars:\n  ⟪a⟫: {count: 2}\n---\nx\n", "exactly one way", ""},
		{"lists of different length", "---\ntitle: T\nvars:\n  a: {int: 1-6, count: 2}\n  b: {hex: 4, count: 3}\n---\n```setup {file=/x}\n⟪{{a}} {{b}}⟫\n```\n", "has 2 entries", "count"},
		{"guest's name", "---\ntitle: T\nguests:\n  ⟪a_b⟫: {}\n---\nx\n", "can't be a guest's name", ""},
		{"image", "---\ntitle: T\nguests:\n  a: {image: ⟪debain-12⟫}\n---\nx\n", "no image “debain-12”", "“debian-12”"},
		{"memory", "---\ntitle: T\nguests:\n  a: {memory: ⟪256⟫}\n---\nx\n", "not an amount of memory", "256M"},
		{"desktop", "---\ntitle: T\nguests:\n  a: {desktop: ⟪vnc⟫}\n---\nx\n", "yes or no", "“true”"},
		{"open", "---\ntitle: T\nnetwork: {open: [mirror, ⟪internet⟫]}\n---\nx\n", "can't be opened", "“mirror”"},
		{"network", "---\ntitle: T\nnetwork: {⟪opn⟫: [mirror]}\n---\nx\n", "no “opn”", "“open”"},
		{"setting of a guest", "---\ntitle: T\nguests:\n  a: {⟪mem⟫: 1G}\n---\nx\n", "no “mem”", ""},
		{"var's name", "---\ntitle: T\nvars:\n  ⟪PATH⟫: {hex: 4}\n---\nx\n", "can't be a variable's name", ""},
		{"var of no kind", "---\ntitle: T\nvars:\n  ⟪a⟫: {}\n---\nx\n", "exactly one way", "hex"},
		{"var of two kinds", "---\ntitle: T\nvars:\n  ⟪a⟫: {hex: 4, int: 1-2}\n---\nx\n", "exactly one way", ""},
		{"unknown kind", "---\ntitle: T\nvars:\n  a: {⟪choise⟫: [a]}\n---\nx\n", "no “choise”", "“choice”"},
		{"range", "---\ntitle: T\nvars:\n  a: {int: ⟪9⟫}\n---\nx\n", "not a range", ""},
		{"range backwards", "---\ntitle: T\nvars:\n  a: {int: ⟪9-1⟫}\n---\nx\n", "ends before it starts", "1-9"},
		{"no choice", "---\ntitle: T\nvars:\n  a: {choice: ⟪[⟫]}\n---\nx\n", "at least one", ""},
		{"choice twice", "---\ntitle: T\nvars:\n  a: {choice: [x, ⟪x⟫]}\n---\nx\n", "twice", ""},
		{"digits", "---\ntitle: T\nvars:\n  a: {hex: ⟪0⟫}\n---\nx\n", "number of digits", ""},
		{"limit", "---\ntitle: T\nlimits: {timeout: ⟪1h⟫}\n---\nx\n", "from 1s to 5m", ""},
		{"no time to warn", "---\ntitle: T\nlimits: {idle: ⟪1m⟫}\n---\nx\n", "from 5m to 24h", ""},
		{"unknown limit", "---\ntitle: T\nlimits: {⟪time⟫: 1s}\n---\nx\n", "no “time”", "timeout"},
		{"hole", "---\ntitle: ⟪On {{port}}⟫\n---\nx\n", "same for all students", ""},
	} {
		t.Run(r.name, func(t *testing.T) {
			r.test(t, "tutorials/web.md", func(text string) (*Course, Findings) { return Load(courseWith(text)) })
		})
	}
}

func TestRefusedInCourseYAML(t *testing.T) {
	for _, r := range []refused{
		{"unknown name", "id: a\ntitle: T\n⟪titel⟫: U\n", "no “titel”", "“title”"},
		{"bad id", "id: ⟪A B⟫\ntitle: T\n", "can't be an id", ""},
		{"language", "id: a\ntitle: T\nlanguage: ⟪english⟫\n", "not a language tag", "en"},
		{"theme", "id: a\ntitle: T\ntheme: ⟪dark⟫\n", "no theme", ""},
		{"grading", "id: a\ntitle: T\ngrading: {⟪point⟫: 1}\n", "no “point”", "“points”"},
		{"grading's points", "id: a\ntitle: T\ngrading: {points: ⟪-1⟫}\n", "number of points", ""},
		{"which attempt counts", "id: a\ntitle: T\ngrading: {score: ⟪last⟫}\n", "which attempt counts", "latest"},
		{"cost of being late", "id: a\ntitle: T\ngrading: {late: ⟪0.1⟫}\n", "not a part of the points", "10%"},
		{"too high a cost of being late", "id: a\ntitle: T\ngrading: {late: ⟪101%⟫}\n", "not a part of the points", "100%"},
		{"tutorial", "id: a\ntitle: T\ntutorials: [web, ⟪pipe⟫]\n", "no tutorial “pipe”", "“pipes”"},
		{"tutorial twice", "id: a\ntitle: T\ntutorials: [web, ⟪web⟫]\n", "twice", ""},
		{"no tutorials", "id: a\ntitle: T\ntutorials: ⟪[⟫]\n", "at least one", ""},
		{"not a mapping", "⟪x⟫\n", "list of “name: value”", ""},
		{"anchor", "id: a\ntitle: ⟪&⟫t T\n", "single value", ""},
	} {
		t.Run(r.name, func(t *testing.T) {
			r.test(t, "course.yaml", func(text string) (*Course, Findings) {
				fsys := courseWith(opening + "x\n")
				fsys["course.yaml"].Data = []byte(text)
				return Load(fsys)
			})
		})
	}
}
