package content

import (
	"strings"
	"testing"
	"testing/fstest"
)

const (
	inEnglish = `---
title: Files
vars: {name: {choice: [ann, bob]}}
---
Read this.

## Make one

See [the end](#the-end) and ![a tree](tree.png).

:::task {#make title="Make a file"}
Call it {{name}}.

:::hint {after=1}
Try touch.
:::

` + "```" + `check {#made points=2}
:pass: It is there.
:fail: There is no file $name.
test -e "/root/$name"
` + "```" + `

` + "```" + `solve {for=made show=true}
touch "/root/$name"
` + "```" + `
:::

## The end

:::question {#why type=choice title="Why?"}
- [x] Because
  > Yes.
- [ ] No idea
:::
`
	inGerman = `---
title: Dateien
summary: Auf Deutsch
source: SOURCE
---
Lies das.

## Eine anlegen

Siehe [das Ende](#the-end) und ![ein Baum](tree.png).

:::task {#make title="Lege eine Datei an"}
Nenne sie {{name}}.

:::hint
Versuche touch.
:::

` + "```" + `check {#made}
:pass: Sie ist da.
:fail: Es gibt keine Datei $name.
` + "```" + `

` + "```" + `solve {for=made}
` + "```" + `
:::

## Das Ende

:::question {#why title="Warum?"}
- [x] Darum
  > Ja.
- [ ] Keine Ahnung
:::
`
)

func bilingual(german string) fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"course.yaml":                file("id: c\ntitle: Course\n"),
		"tutorials/files.md":         file(inEnglish),
		"tutorials/more.md":          file("---\ntitle: More\n---\n## One\n\nText.\n"),
		"tutorials/tree.png":         file("png"),
		"i18n/de/course.yaml":        file("title: Kurs\nsummary: Kurz\n"),
		"i18n/de/tutorials/files.md": file(german),
		"i18n/de/tutorials/tree.png": file("deutsch"),
	}
}

func TestTranslation(t *testing.T) {
	_, findings := Load(bilingual(strings.Replace(inGerman, "source: SOURCE\n", "", 1)))
	if len(findings) != 1 || findings[0].Severity != Warning || !strings.Contains(findings[0].Mend, "source: ") {
		t.Fatalf("a translation without its source: %s", findings)
	}
	_, source, _ := strings.Cut(findings[0].Mend, "source: ")
	german := strings.Replace(inGerman, "SOURCE", source, 1)
	course, findings := Load(bilingual(german))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	if got := strings.Join(course.Languages(), " "); got != "en de" {
		t.Errorf("languages are %s", got)
	}
	if course.In("fr") != course || course.In("en") != course {
		t.Error("a language that there is not is the course's own")
	}
	de := course.In("de")
	if de.Title != "Kurs" || de.Summary != "Kurz" || de.Language != "de" || de.Tutorial("more").Language != "en" || de.Tutorial("more") != course.Tutorial("more") {
		t.Errorf("the course in German is %+v", de)
	}
	o, x := course.Tutorial("files"), de.Tutorial("files")
	if x.Title != "Dateien" || x.Language != "de" || o.Language != "en" || len(x.Vars) != 1 {
		t.Errorf("the tutorial in German is %+v", x)
	}
	if x.Steps[1].ID != "make-one" || x.Steps[1].Title != "Eine anlegen" || x.Steps[2].ID != "the-end" {
		t.Errorf("steps are %+v", x.Steps)
	}
	made := x.Checks[0]
	if made.Script != o.Checks[0].Script || made.Points != 2 || made.Title != "Lege eine Datei an" || made.Step != "make-one" ||
		made.PassMessage != "Sie ist da." || made.FailMessage != "Es gibt keine Datei $name." || made.Source() != o.Checks[0] {
		t.Errorf("the check is %+v", made)
	}
	if o.Checks[0].PassMessage != "It is there." || o.Checks[0].Source() != o.Checks[0] {
		t.Error("the original was changed")
	}
	q, p := x.Checks[1].Question, o.Checks[1].Question
	if q.Type != "choice" || q.Choices[0].ID != p.Choices[0].ID || !q.Choices[0].Right || dump(q.Choices[0].Body) != "Darum" || !strings.Contains(dump(q.Choices[0].Feedback), "Ja.") {
		t.Errorf("the question is %+v", q)
	}
	if h := x.Hints[0]; h.After != 1 || h.Task != "make" || !strings.Contains(dump(h.Body), "Versuche") {
		t.Errorf("the hint is %+v", h)
	}
	if len(x.Solutions) != 1 || x.Solutions[0] != o.Solutions[0] {
		t.Error("solutions are not the original's")
	}
	// The translation has a picture of its own.
	if !strings.Contains(dump(x.Steps[1].Body), "files/i18n/de/tree.png") {
		t.Errorf("the page is %s", dump(x.Steps[1].Body))
	}
	f, err := course.File("files", "i18n/de/tree.png")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()

	// A new script makes nothing old; new words do.
	changed := bilingual(german)
	changed["tutorials/files.md"].Data = []byte(strings.Replace(inEnglish, "test -e", "test -f", 1))
	if _, findings := Load(changed); len(findings) > 0 {
		t.Errorf("after a change of a script: %s", findings)
	}
	changed["tutorials/files.md"].Data = []byte(strings.Replace(inEnglish, "Try touch.", "Try harder.", 1))
	if _, findings := Load(changed); len(findings) != 1 || !strings.Contains(findings[0].Message, "step “Make one”.") {
		t.Errorf("after a change of a hint: %s", findings)
	}
	gone := bilingual(german)
	gone["i18n/de/tutorials/fils.md"] = gone["i18n/de/tutorials/files.md"]
	gone["i18n/german/course.yaml"] = &fstest.MapFile{Data: []byte("title: x\n")}
	_, findings = Load(gone)
	if s := findings.String(); !strings.Contains(s, "no tutorial “fils”") || !strings.Contains(s, "“files”") || !strings.Contains(s, "“german” is no language") {
		t.Errorf("findings are %s", s)
	}
}

func TestTranslationsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		old, new string // in the German text
		at       string // of the finding: "line:column: message"
	}{
		"a script":          {":pass: Sie ist da.\n", ":pass: Sie ist da.\ntrue\n", "holds no scripts"},
		"points":            {"{#made}", "{#made points=9}", "does not say “points”"},
		"another check":     {"{#made}", "{#mad}", "no check “mad”"},
		"a check less":      {"```check {#made}\n:pass: Sie ist da.\n:fail: Es gibt keine Datei $name.\n```\n", "", "lacks “made”"},
		"a task more":       {"## Das Ende\n", "## Das Ende\n\n:::task {#extra title=\"Mehr\"}\nText.\n:::\n", "The original has no “extra”"},
		"a step more":       {"## Das Ende\n", "## Das Ende\n\n## Noch einer\n", "another heading"},
		"a step less":       {"## Das Ende\n", "", "“The end” of the original is missing"},
		"another id":        {"## Das Ende", "## Das Ende {#ende}", "has the id “the-end”"},
		"a choice less":     {"- [ ] Keine Ahnung\n", "", "leaves no choice"},
		"a choice more":     {"- [ ] Keine Ahnung\n", "- [ ] Keine Ahnung\n- [ ] Weil\n", "has 2 entries, and this one has 3"},
		"another key":       {"- [x] Darum\n  > Ja.\n- [ ] Keine", "- [ ] Darum\n- [x] Keine", "Entry 1 of the list is right in one"},
		"no solution":       {"```solve {for=made}\n```\n", "", "The place of the solution for “made” is missing"},
		"a solution's text": {"```solve {for=made}\n", "```solve {for=made}\ntouch x\n", "holds no scripts"},
		"a setup":           {"## Das Ende\n", "## Das Ende\n\n```setup\ntrue\n```\n", "A setup has no place"},
		"variables":         {"summary:", "vars: {x: {int: 1-2}}\nsummary:", "has no “vars”"},
		"an unknown hole":   {"{{name}}", "{{nam}}", "nam"},
		"a broken link":     {"(#the-end)", "(#ende)", "nothing with the id “ende”"},
	} {
		t.Run(name, func(t *testing.T) {
			german := strings.Replace(inGerman, tt.old, tt.new, 1)
			if german == inGerman {
				t.Fatal("nothing was changed")
			}
			course, findings := Load(bilingual(german))
			if course != nil || !strings.Contains(findings.String(), tt.at) {
				t.Errorf("findings are\n%s", findings)
			}
			for _, f := range findings {
				if f.File != "i18n/de/tutorials/files.md" {
					t.Errorf("%s is not the translation", f.File)
				}
			}
		})
	}
}

// What a translation is made of is no page of the original, and holds no key.
func TestTranslationIsNotServed(t *testing.T) {
	course, findings := Load(bilingual(inGerman))
	if course == nil {
		t.Fatal(findings)
	}
	for name, path := range course.Tutorial("files").Files {
		if strings.HasSuffix(path, ".md") || strings.HasSuffix(path, ".yaml") {
			t.Errorf("%s is served as %s", path, name)
		}
	}
}

func TestTheme(t *testing.T) {
	with := func(style string, more ...string) (*Course, string) {
		files := bilingual("")
		delete(files, "i18n/de/tutorials/files.md")
		files["course.yaml"].Data = []byte("id: c\ntitle: C\ntheme: sea\n")
		files["themes/sea/style.css"] = &fstest.MapFile{Data: []byte(style)}
		for _, name := range more {
			files["themes/sea/"+name] = &fstest.MapFile{Data: []byte("x")}
		}
		course, findings := Load(files)
		return course, findings.String()
	}
	const sea = ":root { --link: teal; }\n.task { background: url(\"data:image/png;base64,AA\"); }\n"
	if course, findings := with(sea); course == nil || course.Style != sea || course.In("de").Style != sea {
		t.Errorf("the theme is refused:\n%s", findings)
	}
	for what, tt := range map[string]struct{ style, file, want string }{
		"other sites":  {".a {}\n.b { background: url(https://example.org/x.png) }", "style.css", "themes/sea/style.css:2:18: error: A style sheet fetches nothing."},
		"imports":      {"@import 'more.css';", "style.css", "themes/sea/style.css:1:1"},
		"empty target": {".b { src: URL() }", "style.css", "fetches nothing"},
		"a script":     {sea, "extra.js", "themes/sea/extra.js: error: This is no part of a theme."},
	} {
		more := []string{}
		if tt.file != "style.css" {
			more = append(more, tt.file)
		}
		if course, findings := with(tt.style, more...); course != nil || !strings.Contains(findings, tt.want) {
			t.Errorf("%s: %s", what, findings)
		}
	}
}
