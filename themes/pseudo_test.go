package themes_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/sample"
	"github.com/labmark/labmark/themes/words"
)

// Every page, in a language that puts ⟦⟧ around what it says: what stands
// outside comes from the page's data, or was forgotten.
func TestPagesSayNothingThatIsNotTranslated(t *testing.T) {
	theme, err := themes.In(mustLoad(t), words.Pseudo())
	if err != nil {
		t.Fatal(err)
	}
	for name, page := range map[string]themes.Page{
		"login": sample.Login("n", true), "courses": sample.Courses("n"), "course": sample.Course("n"),
		"tutorial":       sample.Tutorial("n", themes.GuestView{}),
		"several guests": sample.Tutorial("n", themes.GuestView{State: "ready"}, "web", "db"),
		"prose":          sample.Prose("n", themes.GuestView{State: "failed"}),
		"widgets":        sample.Widgets("n", themes.GuestView{State: "starting"}, sample.Questions(), sample.Looks()),
		"embedded":       sample.Embedded("n", sample.Moodle, themes.GuestView{State: "off"}),
		"progress":       sample.Progress("n"), "error": sample.Error("n"), "refused launch": sample.Refused("n"),
		"continue": sample.Continue("n", &themes.StoreView{Target: "_parent", Origin: sample.Moodle, Key: "k", Value: "v"}),
		"storage":  sample.Storage("n", themes.StoreView{Key: "k"}), "return": sample.Return("n", sample.Moodle+"/return"),
		"close": sample.Close("n"), "privacy": sample.Privacy("n"), "files": sample.Files("n"), "profile": sample.Profile("n"),
		"pick": sample.Pick("n", true), "pick one": sample.Pick("n", false), "preview": sample.Preview("n"),
		"class": sample.Class("n", 20, 5), "student": sample.Student("n"), "check": sample.Check("n"), "outbox": sample.Outbox("n"),
		"settings": sample.Settings("n"), "platforms": sample.Platforms("n"), "nodes": sample.Nodes("n"),
		"sources": sample.Sources("n"), "platform": sample.Platform("n"),
	} {
		t.Run(name, func(t *testing.T) {
			data := &told{}
			data.collect(reflect.ValueOf(page))
			data.sort()
			seen := 0
			for where, text := range visible(t, mustRender(t, theme, page)) {
				seen += strings.Count(text, "⟦")
				if bare := data.without(text); word.MatchString(bare) {
					t.Errorf("%s %q is in no language but English", where, text)
				}
			}
			if seen < 3 {
				t.Errorf("only %d sentences were found: the test does not see the page", seen)
			}
		})
	}
}

// word is what needs a language.
var word = regexp.MustCompile(`\pL{2,}`)

// international says the same in all languages: names, units, examples.
var international = []string{"Labmark", "Canvas", "Moodle", "English", "KVM", "SHA256", "min", "ssh-ed25519 AAAA…",
	"https://moodle.example.edu", "https://school.example.edu https://*.example.edu"}

// states are the program's words in a page's data, which no page shows as they
// are.
var states = []string{"off", "starting", "ready", "resetting", "stopping", "failed", "running", "done", "pass", "fail", "part", "unsure",
	"idle", "sent", "waiting", "refused", "none", "up", "down", "draining", "isolated", "joining", "best", "latest", "first", "checks",
	"choice", "choices", "text", "number", "order"}

var revision = regexp.MustCompile(`\b[0-9a-f]{10}\b`)

// told are the texts of a page's data, the longest first.
type told struct{ texts []string }

func (d *told) add(text string) {
	text = oneSpace(text)
	if word.MatchString(text) && !slices.Contains(states, text) {
		d.texts = append(d.texts, text)
	}
}

func oneSpace(text string) string { return strings.Join(strings.Fields(text), " ") }

// collect finds all texts in a value, those between tags where it is HTML.
func (d *told) collect(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			d.collect(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			d.collect(v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			d.collect(v.Index(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			d.collect(v.MapIndex(k))
		}
	case reflect.String:
		if v.Type().Name() != "HTML" {
			d.add(v.String())
			return
		}
		z := html.NewTokenizer(strings.NewReader(v.String()))
		for z.Next() != html.ErrorToken {
			token := z.Token()
			if token.Type == html.TextToken {
				d.add(token.Data)
			}
			for _, a := range token.Attr {
				d.add(a.Val)
			}
		}
	}
}

func (d *told) sort() {
	d.texts = append(d.texts, international...)
	slices.SortFunc(d.texts, func(a, b string) int { return len(b) - len(a) })
	d.texts = slices.Compact(d.texts)
}

var said = regexp.MustCompile(`⟦[^⟦⟧]*⟧`)

// without takes out what was translated, and data.
func (d *told) without(text string) string {
	text = revision.ReplaceAllString(oneSpace(text), " ")
	for said.MatchString(text) {
		text = said.ReplaceAllString(text, " ")
	}
	for _, data := range d.texts {
		if strings.Contains(text, data) {
			text = regexp.MustCompile(`(^|\PL)`+regexp.QuoteMeta(data)+`(\PL|$)`).ReplaceAllString(text, "$1 $2")
		}
	}
	return text
}

// visible gives a page's texts, of elements and attributes. A text may begin
// within a sentence that has elements in it.
func visible(t *testing.T, page string) func(yield func(where, text string) bool) {
	return func(yield func(where, text string) bool) {
		page = strings.NewReplacer("<wbr>", "", "<noscript>", "", "</noscript>", "").Replace(page)
		z := html.NewTokenizer(strings.NewReader(page))
		inside, depth := "", 0
		for {
			switch z.Next() {
			case html.ErrorToken:
				if depth != 0 {
					t.Errorf("the brackets do not close: %d", depth)
				}
				return
			case html.StartTagToken, html.SelfClosingTagToken:
				token := z.Token()
				inside = token.Data
				for _, a := range token.Attr {
					if shown(token, a.Key) && !yield("the "+a.Key+" of <"+token.Data+">", a.Val) {
						return
					}
				}
			case html.EndTagToken:
				inside = ""
			case html.TextToken:
				text := z.Token().Data
				if inside == "script" || inside == "style" || inside == "time" {
					continue
				}
				opened := strings.Repeat("⟦", depth)
				depth += strings.Count(text, "⟦") - strings.Count(text, "⟧")
				if !yield("the text in <"+inside+">", opened+text+strings.Repeat("⟧", max(0, depth))) {
					return
				}
			}
		}
	}
}

// shown says whether people see or hear an attribute.
func shown(token html.Token, key string) bool {
	switch key {
	case "title", "aria-label", "aria-description", "aria-roledescription", "placeholder", "alt", "data-confirm", "data-note":
		return true
	case "value":
		return token.Data == "input" && slices.ContainsFunc(token.Attr, func(a html.Attribute) bool {
			return a.Key == "type" && (a.Val == "submit" || a.Val == "button")
		})
	case "content":
		return slices.Contains(token.Attr, html.Attribute{Key: "name", Val: "description"})
	}
	return false
}
