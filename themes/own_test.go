package themes_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/sample"
	"github.com/labmark/labmark/themes/words"
)

const ownPath = "themes/sea/templates/x.html"

func ownTemplate(name, text string) themes.Own {
	return themes.Own{Templates: []themes.OwnTemplate{{Name: name, Path: ownPath, Text: text}}}
}

func TestACourseChangesOnlyWhatItNames(t *testing.T) {
	base := mustLoad(t)
	own := ownTemplate("tutorial", `{{/* Ours. */}}
{{define "tutorial-head"}}<header class="tutorial-head ship"><h1>Ahoy: {{.Heading}}</h1>{{template "mine" .Steps}}</header>{{end}}
{{define "tutorial-end"}}{{end}}
{{define "mine"}}<ol>{{range .}}{{if .Title}}<li{{if .ID}} id="toc-{{.ID}}"{{end}}>{{.Title}}</li>{{end}}{{end}}</ol>{{end}}`)
	own.Templates = append(own.Templates, themes.OwnTemplate{Name: "parts", Path: "p", Text: `{{define "solution"}}<p>Ask the captain.</p>{{end}}`})
	own.Words = map[string]map[string]words.Entry{"en": {"Skip to the content": {Text: "Over the rail"}}, "de": {"Skip to the content": {Text: "Über die Reling"}}}
	theme, problems := base.Over(own)
	if theme == nil {
		t.Fatalf("%+v", problems)
	}
	page := sample.Tutorial("n", themes.GuestView{})
	english := mustRender(t, theme, page)
	for _, want := range []string{"<h1>Ahoy: Files and folders</h1>", `<li id="toc-look">Look around</li>`, "<p>Ask the captain.</p>", `data-check="notes"`} {
		if !strings.Contains(english, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(english, "tutorial-end") {
		t.Error("a block that was left empty is still there")
	}
	page.Language = "de"
	if german := mustRender(t, theme, page); !strings.Contains(german, "Über die Reling") || !strings.Contains(german, "Ahoy") {
		t.Error("the German page does not say what the theme says in German")
	}
	page.Language = ""
	if ours := mustRender(t, base, page); strings.Contains(ours, "Ahoy") || strings.Contains(ours, "Over the rail") || strings.Contains(ours, "captain") {
		t.Error("other courses' pages are changed as well")
	}
}

func TestScriptsSayWhatTheCourseSays(t *testing.T) {
	base := mustLoad(t)
	theme, _ := base.Over(themes.Own{Words: map[string]map[string]words.Entry{"en": {"Copied": {Text: "Aye, copied", Script: true}}}})
	address := func(th *themes.Theme) string {
		return regexp.MustCompile(`/assets/words-en-[0-9a-f]+\.js`).FindString(mustRender(t, th, sample.Course("n")))
	}
	mine, ours := address(theme), address(base)
	if mine == ours || !theme.Has(mine) || base.Has(mine) || theme.Has(ours) {
		t.Fatalf("the course's words are at %q, ours at %q", mine, ours)
	}
	if body := get(theme, mine).Body.String(); !strings.Contains(body, `"Copied":"Aye, copied"`) {
		t.Errorf("%s says %s", mine, body)
	}
}

// Authors begin with a copy of ours.
func TestOurOwnBlocksMayBeCopied(t *testing.T) {
	base := mustLoad(t)
	define := regexp.MustCompile(`\{\{(define|block) "([a-z-]+)"`)
	for _, name := range themes.OwnTemplates {
		text, err := fs.ReadFile(themes.DefaultTemplates, "templates/"+name+".html")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range define.FindAllStringSubmatch(string(text), -1) {
			if slices.Contains([]string{"kind", "head", "icons", "body", "check-data"}, m[2]) {
				text = regexp.MustCompile(`(?m)^\{\{define "`+m[2]+`"\}\}(?s:.*?)\{\{end\}\}\n(\n|\{\{define|\z)`).ReplaceAll(text, []byte("$1"))
			}
		}
		if theme, problems := base.Over(ownTemplate(name, string(text))); theme == nil {
			for _, p := range problems {
				end := min(len(text), p.Offset+60)
				t.Errorf("%s: %s %s: %q", name, p.Message, p.Mend, text[p.Offset:end])
			}
		}
	}
}

func TestWhatATemplateMayNotHold(t *testing.T) {
	base := mustLoad(t)
	for _, c := range []struct{ what, body, at, says string }{
		{"a script", `<p>x</p><script src="/a.js"></script>`, "<script", "no <script>"},
		{"a script in parts", `<scr{{""}}ipt src="/a.js">`, `""`, "can't come from data"},
		{"a name from data", `<s{{"cript"}} src="/a.js">`, `"cript"`, "can't come from data"},
		{"a name by a case", `<s{{if .Heading}}cript{{end}} src="/a.js">`, "cript", "goes on after a case"},
		{"a name by trimming", `<s {{- "cript"}} src="/a.js">`, `"cript"`, "can't come from data"},
		{"a name around a comment", `<s{{/* */}}cript src="/a.js">`, "<s", "no <script>"},
		{"a script in a textarea", `<textarea><!-- </textarea><script></script> --></textarea>`, "<!", "Comments"},
		{"a tag in a value", `<noscript><p title="</noscript><script src=/a.js>"></p></noscript>`, "</noscript><", "does not belong into a value"},
		{"cases that hide a quote", `<button {{if .Heading}}title="{{else}}title='{{end}}> " formaction="/x">`, "", "the other does not"},
		{"a handler", `<p onclick="x()">`, "onclick", "runs no scripts"},
		{"a style", `<p style="color: red">`, "style", "forbids styles"},
		{"a styled frame", `<iframe srcdoc="x"></iframe>`, "<iframe", "no <iframe>"},
		{"a style element", `<style>p {}</style>`, "<style", "style.css"},
		{"a base", `<base href="/x/">`, "<base", "no <base>"},
		{"a refresh", `<meta http-equiv="refresh" content="0">`, "<meta", "no <meta>"},
		{"a form", `<form method="post" action="/logout"></form>`, "method", "send nothing"},
		{"a form's target", `<form action="/logout"></form>`, "action", "send nothing"},
		{"a button's target", `<button formaction="/logout">x</button>`, "formaction", "send nothing"},
		{"a scripted address", `<a href="java&#115;cript:x()">x</a>`, "href", "not used in courses"},
		{"a hidden scheme", "<a href=\"java\tscript:x()\">x</a>", "href", "a character"},
		{"a picture of elsewhere", `<img src="https://example.org/x.png" alt="x">`, "src", "fetches nothing"},
		{"telling others", `<a href="https://example.org/?{{.Heading}}">x</a>`, "href", "not told to another site"},
		{"an address made up", `<a href="{{t "javascript:x()"}}">x</a>`, "href", "what the page holds"},
		{"the page's own wires", `<main id="main" data-maths="/courses/c/t/files/x.js"></main>`, "data-maths", "scripts load"},
		{"another function", `{{printf "%999999d" 1}}`, "", `"printf" not defined`},
		{"a tag by a function", `{{tag "script" "" "x"}}`, "tag", "plain words"},
		{"an attribute by a function", `{{tag "b" "onclick=x" "x"}}`, "tag", "plain words"},
		{"a tag by a pipe", `{{"x" | tag "script" ""}}`, "tag", "plain words"},
		{"a tag as a value", `{{t "x" | tag}}`, "tag", "plain words"},
		{"no end", `{{template "main" .}}`, "tutorial-head", "without end"},
		{"an open tag", `<p`, "tutorial-head", "ends within a tag"},
		{"a bare value", `<p class=x>`, "x", "between quotes"},
		{"bad template words", "\n{{if}}", "{{if}}", "can't be read"},
		{"a block that there is not", `{{template "hed" .}}`, "", "hed"},
	} {
		t.Run(c.what, func(t *testing.T) {
			text := `{{define "tutorial-head"}}` + c.body + `{{end}}`
			own := ownTemplate("tutorial", text)
			theme, problems := base.Over(own)
			if theme != nil {
				if p := theme.Try(own, sample.Tutorial("n", themes.GuestView{})); p != nil {
					problems = append(problems, *p)
				}
			}
			if len(problems) == 0 {
				t.Fatalf("%s is not refused", text)
			}
			p := problems[0]
			if found := text[p.Offset : p.Offset+max(p.Length, 1)]; !strings.Contains(p.Message+p.Mend, c.says) || p.Path != ownPath || !strings.HasPrefix(text[p.Offset:], c.at) {
				t.Errorf("%s: at %q: %s %s", text, found, p.Message, p.Mend)
			}
		})
	}
}

func TestWhatIsWrongWithATemplateAsAWhole(t *testing.T) {
	base := mustLoad(t)
	for what, c := range map[string]struct{ name, text, says string }{
		"our frame":         {"layout", `{{define "main"}}{{end}}`, "can't change this template"},
		"what loads":        {"tutorial", `{{define "head"}}<p>{{end}}`, "can't be changed here"},
		"pages by parts":    {"parts", `{{define "main"}}<p></p>{{end}}`, "can't be changed here"},
		"a mistyped block":  {"tutorial", `{{define "tutoral-head"}}<p></p>{{end}}`, "nothing draws it"},
		"words outside":     {"course", "Hello\n{{define \"main\"}}{{end}}", "outside of all blocks"},
		"a block drawn":     {"course", `{{block "main" .}}{{end}}`, "defined here, not drawn"},
		"endless in two":    {"course", `{{define "main"}}{{template "a" .}}{{end}}{{define "a"}}{{template "b" .}}{{end}}{{define "b"}}{{template "a" .}}{{end}}`, "without end"},
		"endless around us": {"course", `{{define "main"}}{{template "layout" .}}{{end}}`, "without end"},
	} {
		if theme, problems := base.Over(ownTemplate(c.name, c.text)); theme != nil || !strings.Contains(problems[0].Message, c.says) {
			t.Errorf("%s: %+v", what, problems)
		}
	}
}

// What only drawing shows is told by its place, too.
func TestWhatDrawingShows(t *testing.T) {
	base := mustLoad(t)
	for _, c := range []struct{ body, at, says, word string }{
		{`<p>{{.Heading}}</p>` + "\n" + `<p>{{.Hedding}}</p>`, ".Hedding", "no “Hedding”", "Hedding"},
		{`{{range .Steps}}{{.Titel}}{{end}}`, ".Titel", "no “Titel”", "Titel"},
		{`{{(index .Steps 99).Title}}`, "index .Steps 99", "out of range", ""},
		{`{{range 9000000000}}{{end}}`, "", "does not come to an end", ""},
		{`{{range 9000000000}}{{if .}}{{end}}{{end}}`, "", "does not come to an end", ""},
	} {
		text := "\n{{define \"tutorial-head\"}}" + c.body + "{{end}}"
		own := ownTemplate("tutorial", text)
		theme, problems := base.Over(own)
		if theme == nil {
			t.Errorf("%s: %+v", c.body, problems)
			continue
		}
		p := theme.Try(own, sample.Tutorial("n", themes.GuestView{}))
		if p == nil || p.Path != ownPath || !strings.Contains(p.Message, c.says) || !strings.HasPrefix(text[p.Offset:], c.at) || p.Word != c.word {
			t.Errorf("%s: %+v", c.body, p)
			continue
		}
		if c.word != "" && len(p.Known) == 0 {
			t.Errorf("%s: nothing is known instead", c.body)
		}
	}
}

// A theme is laid over a course's pages whenever it is saved.
func BenchmarkOver(b *testing.B) {
	base, err := themes.Load(dist(), []fs.FS{themes.DefaultTemplates})
	if err != nil {
		b.Fatal(err)
	}
	own := ownTemplate("tutorial", `{{define "tutorial-head"}}<h1>{{.Heading}}</h1>{{end}}`)
	for b.Loop() {
		theme, problems := base.Over(own)
		if theme == nil {
			b.Fatal(problems)
		}
		if p := theme.Try(own, sample.Tutorial("n", themes.GuestView{})); p != nil {
			b.Fatal(fmt.Sprint(p))
		}
	}
}
