package words

import (
	"slices"
	"strings"
	"testing"
)

// Every catalog has the same sentences, with the same holes.
func TestCatalogsAgree(t *testing.T) {
	known := Known()
	for _, tag := range Languages()[1:] {
		l := all[tag]
		for english := range known {
			e, ok := l.sentences[english]
			if !ok {
				t.Errorf("%s lacks %q", tag, english)
				continue
			}
			want := slices.Sorted(slices.Values(Holes(english)))
			for _, text := range []string{e.Text, e.One, e.Other} {
				if got := slices.Sorted(slices.Values(Holes(text))); text != "" && text != e.One && !slices.Equal(slices.Compact(got), slices.Compact(want)) {
					t.Errorf("%s: %q has the holes %v in %q", tag, english, got, text)
				}
			}
		}
	}
}

func TestNumbersWithTheirNouns(t *testing.T) {
	for _, c := range []struct {
		tag  string
		n    float64
		want string
	}{
		{"en", 1, "1 tutorial"}, {"en", 0, "0 tutorials"}, {"de", 1, "1 Tutorial"}, {"de", 1.5, "1,5 Tutorials"},
		{"fr", 0, "0 tutoriel"}, {"fr", 1.5, "1,5 tutoriel"}, {"fr", 2, "2 tutoriels"}, {"es", 0, "0 tutoriales"}, {"de-AT", 1, "1 Tutorial"},
	} {
		if got := In(c.tag).Count(c.n, "{n} tutorial", "{n} tutorials"); got != c.want {
			t.Errorf("%s: %v is %q, want %q", c.tag, c.n, got, c.want)
		}
	}
}

func TestWhatGoSaidIsSaidAgain(t *testing.T) {
	de := In("de")
	for said, want := range map[string]string{
		"":                            "",
		"Passed.":                     "Bestanden.",
		"Served by hand":              "Served by hand",
		"3 days late":                 "3 Tage verspätet",
		"web: Your machine is ready.": "web: Ihre Maschine ist bereit.",
		"web: anything else":          "web: anything else",
		"excused: Passed.":            "befreit: Passed.",
		"This check was interrupted by me. Passed.":                                      "This check was interrupted by me. Passed.",
		"The check was stopped: it had not finished after 5 s. This try does not count.": "Die Prüfung wurde angehalten: Sie war nach 5 s noch nicht fertig. Dieser Versuch zählt nicht.",
		"file /a: expected mode 0644, found mode 0600. (1 of 2 hold.)":                   "file /a: erwartet mode 0644, gefunden mode 0600. (1 von 2 treffen zu.)",
	} {
		if got := de.Translate(said); got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
	}
	if got := In("en").Translate("Passed."); got != "Passed." {
		t.Errorf("English is %q", got)
	}
}

func TestAnAuthorsWordsStay(t *testing.T) {
	de := In("de")
	for _, c := range []struct{ said, theirs, want string }{
		{"nginx: expected 200, found 404.", "nginx: expected 200, found 404.", "nginx: expected 200, found 404."},
		{"Passed. This try does not count.", "Passed.", "Passed. Dieser Versuch zählt nicht."},
		{"1 of 2 done. Passed.", "Passed.", "1 von 2 erledigt. Passed."},
		{"The check did not pass (exit status 1). It said: 1", "1", "Die Prüfung wurde nicht bestanden (Exit-Status 1). Sie sagte: 1"},
		{"ours is unknown. theirs", "theirs", "ours is unknown. theirs"},
	} {
		if got := de.Around(c.said, c.theirs); got != c.want {
			t.Errorf("%q around %q is %q, want %q", c.said, c.theirs, got, c.want)
		}
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add("Passed. This try does not count.", "Passed.")
	f.Add("a: b. c: d. e: expected , found .", "d")
	f.Fuzz(func(t *testing.T, said, theirs string) {
		for _, tag := range Languages() {
			In(tag).Translate(said)
			if got := In(tag).Around(said, theirs); strings.Contains(said, theirs) && !strings.Contains(got, theirs) && theirs != "" {
				t.Errorf("%q is lost in %q", theirs, got)
			}
		}
	})
}

// A WebSocket's close reason has room for 123 bytes (RFC 6455, section 5.5).
func TestReasonsFitIntoAFrame(t *testing.T) {
	for english := range Known() {
		if !strings.Contains(english, "screen") || !strings.Contains(english, "machine") && !strings.HasPrefix(english, "Machines") {
			continue
		}
		if !strings.HasPrefix(english, "Your machine is from before") && !strings.HasPrefix(english, "Machines on this server have no screen") {
			continue
		}
		for _, tag := range Languages() {
			if said := In(tag).Say(english); len(said) > 123 {
				t.Errorf("%s: %q has %d bytes", tag, said, len(said))
			}
		}
	}
}
