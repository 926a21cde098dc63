package facts

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Finding is what was seen of one fact.
type Finding struct {
	Holds bool `json:"holds"`
	// Unsure says that it could not be told, and Found why. Then Holds is false.
	Unsure bool `json:"unsure,omitempty"`
	// About names what was looked at, as "file /etc/motd".
	About string `json:"about"`
	// Briefly is About for students, where that is less: a command line is the
	// author's script, and may hold the answer.
	Briefly string `json:"briefly,omitempty"`
	// Expected and Found are phrases: "mode 0644", "mode 0600".
	Expected string `json:"expected"`
	Found    string `json:"found"`
	// Hidden says that Expected is for graders only: it is a pattern or a
	// digest, which tells a student either nothing or the answer.
	Hidden bool `json:"hidden,omitempty"`
	// Message is the author's, see Fact.
	Message string `json:"message,omitempty"`
}

// Sentence tells a student what is not so.
func (f Finding) Sentence() string {
	about := f.briefly()
	switch {
	case f.Unsure:
		return fmt.Sprintf("%s: %s.", about, f.Found)
	case f.Message != "":
		return f.Message
	case f.Hidden:
		return fmt.Sprintf("%s is not as expected: found %s.", about, f.Found)
	}
	return fmt.Sprintf("%s: expected %s, found %s.", about, f.Expected, f.Found)
}

func (f Finding) briefly() string { return cmp.Or(f.Briefly, f.About) }

// brief is a command line's first word.
func (f Fact) brief() string {
	words := strings.Fields(f.Subject)
	if f.Kind != "command" || len(words) < 2 {
		return ""
	}
	return f.Kind + " " + words[0] + " …"
}

// Line tells a grader all of it.
func (f Finding) Line() string {
	word := "does not hold"
	switch {
	case f.Unsure:
		word = "could not tell"
	case f.Holds:
		word = "holds"
	}
	line := fmt.Sprintf("%s: %s: expected %s, found %s", word, f.About, f.Expected, f.Found)
	return strings.ReplaceAll(line, "\n", "\\n")
}

// seen is what was found of one subject.
type seen struct {
	// fields has the texts that were found of each field: one, but for sets.
	// A field that is missing here was not to be had, and missing says why.
	fields  map[string][]string
	missing string
	// note is added to what was found, such as that a file was cut.
	note string
}

// judge compares what was seen with what is wanted of a fact.
func (f Fact) judge(s seen, err error) Finding {
	finding := Finding{About: f.Kind + " " + f.Subject, Briefly: f.brief(), Message: f.Message, Holds: true}
	wants := f.effective()
	finding.Expected = describe(f.Kind, wants)
	if err != nil {
		finding.Holds, finding.Unsure, finding.Found = false, true, err.Error()
		return finding
	}
	var found []string
	for _, w := range wants {
		form, _ := formOf(f.Kind, w.Field)
		if form == Option {
			continue
		}
		got, known := s.fields[w.Field]
		ok := false
		if known {
			if ok, err = w.Value.matches(form, got); err != nil {
				return f.judge(seen{}, fmt.Errorf("the author's value for %s is wrong: %w", w.Field, err))
			}
		}
		said := s.missing
		if known {
			said = say(f.Kind, w.Field, form, got)
		}
		if !ok {
			finding.Holds = false
			finding.Expected = describe(f.Kind, []Want{w})
			finding.Found = cutShort(said) + s.note
			finding.Hidden = hidden(form, w.Field, w.Value)
			return finding
		}
		found = append(found, said)
	}
	finding.Found = cutShort(strings.Join(slices.Compact(found), ", ")) + s.note
	return finding
}

// effective returns the wants with the one that goes without saying.
func (f Fact) effective() []Want {
	for _, w := range f.Wants {
		if form, _ := formOf(f.Kind, w.Field); form != Option && (f.Kind != "command" || w.Field == "exit") && f.Kind != "http" || w.Field == "status" || w.Field == "redirect" {
			return f.Wants
		}
	}
	basic := Want{Field: kinds[f.Kind].basic, Value: Value{Text: "true"}}
	switch basic.Field {
	case "":
		return f.Wants
	case "exit":
		basic.Value.Text = "0"
	case "status":
		basic.Value.Text = "200"
	}
	return append([]Want{basic}, f.Wants...)
}

func describe(kind string, wants []Want) string {
	var parts []string
	for _, w := range wants {
		form, _ := formOf(kind, w.Field)
		switch form {
		case Option:
		case Truth:
			parts = append(parts, truth(kind, w.Field, w.Value.Text == "true"))
		default:
			parts = append(parts, fieldName(kind, w.Field)+" "+w.Value.String())
		}
	}
	return cutShort(strings.Join(parts, ", "))
}

// fieldName is a field as it stands in a sentence.
func fieldName(kind, field string) string {
	switch field {
	case "contains", "matches", "equals":
		return map[string]string{"file": "a text that ", "command": "output that ", "http": "a page that "}[kind] + field
	case "exit":
		return "exit status"
	case "target":
		return "a link to"
	}
	return field
}

func truth(kind, field string, yes bool) string {
	word := field
	switch {
	case field == "exists" && kind == "file" && yes:
		return "that it is there"
	case field == "exists" && yes:
		return "that it exists"
	case field == "exists":
		return "that there is none"
	}
	if !yes {
		return "not " + word
	}
	return word
}

// say tells what was found of a field.
func say(kind, field string, form Form, got []string) string {
	text := strings.Join(got, " ")
	switch {
	case form == Truth && field == "exists":
		return map[bool]string{true: "it", false: "none"}[text == "true"]
	case form == Truth:
		return truth(kind, field, text == "true")
	case form == Part || form == Match || form == Whole:
		if text == "" {
			return "nothing in it"
		}
		return "“" + cutShort(strings.TrimSpace(text)) + "”"
	case len(got) == 0:
		return "no " + field
	}
	return fieldName(kind, field) + " " + text
}

// hidden says whether a wanted value is not for students.
func hidden(form Form, field string, v Value) bool {
	if form == Match || field == "sha256" || form == Whole || isPattern(v.Text) {
		return true
	}
	if v.Not != nil && hidden(form, field, *v.Not) {
		return true
	}
	return slices.ContainsFunc(append(slices.Clone(v.Any), v.All...), func(v Value) bool { return hidden(form, field, v) })
}

// String writes a value as a person would say it.
func (v Value) String() string {
	list := func(values []Value, between string) string {
		var parts []string
		for _, v := range values {
			parts = append(parts, v.String())
		}
		return strings.Join(parts, between)
	}
	switch {
	case v.Not != nil:
		return "not " + v.Not.String()
	case len(v.Any) > 0:
		return list(v.Any, " or ")
	case len(v.All) > 0:
		return list(v.All, " and ")
	case v.Text == "":
		return "“”"
	}
	return v.Text
}

// maxPhrase bounds what is told of one thing, in bytes.
const maxPhrase = 300

// cutShort bounds a phrase and keeps it to one line.
func cutShort(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) > maxPhrase {
		text = strings.ToValidUTF8(text[:maxPhrase], "") + "…"
	}
	return strings.NewReplacer("\n", "⏎", "\x00", "\uFFFD").Replace(text)
}
