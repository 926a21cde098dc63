package content

import (
	"math"
	"regexp"
	"strconv"
	"testing"
)

func drawing(vars ...Var) *Tutorial { return &Tutorial{ID: "web", Vars: vars} }

func TestDrawIsStableAndKeyed(t *testing.T) {
	tutorial := drawing(Var{Name: "n", Int: &IntRange{0, math.MaxInt64}})
	first := tutorial.Draw([]byte("key"), "course", "ann")["n"]
	if first != "6374400833993571315" {
		t.Errorf("the draw changed to %s: students would get other values in mid-course", first)
	}
	other := drawing(tutorial.Vars...)
	other.ID = "pipes"
	for what, again := range map[string]string{
		"another key":      tutorial.Draw([]byte("yek"), "course", "ann")["n"],
		"another course":   tutorial.Draw([]byte("key"), "other", "ann")["n"],
		"another student":  tutorial.Draw([]byte("key"), "course", "bob")["n"],
		"another tutorial": other.Draw([]byte("key"), "course", "ann")["n"],
		"shifted names":    tutorial.Draw([]byte("key"), "coursea", "nn")["n"],
		"another variable": drawing(Var{Name: "m", Int: &IntRange{0, math.MaxInt64}}).Draw([]byte("key"), "course", "ann")["m"],
	} {
		if again == first {
			t.Errorf("%s gave the same value", what)
		}
	}
}

func TestDrawDoesNotDependOnOtherVars(t *testing.T) {
	a, b := Var{Name: "a", Hex: 16}, Var{Name: "b", Choice: []string{"x", "y", "z"}}
	both := drawing(a, b).Draw([]byte("k"), "c", "s")
	swapped := drawing(b, a).Draw([]byte("k"), "c", "s")
	alone := drawing(a).Draw([]byte("k"), "c", "s")
	if both["a"] != swapped["a"] || both["b"] != swapped["b"] || both["a"] != alone["a"] {
		t.Errorf("got %v, %v and %v", both, swapped, alone)
	}
}

func TestDrawKeepsBounds(t *testing.T) {
	for _, r := range []IntRange{{5, 5}, {-3, 3}, {math.MinInt64, math.MaxInt64}, {math.MaxInt64 - 1, math.MaxInt64}} {
		for i := range 200 {
			s := drawing(Var{Name: "n", Int: &r}).Draw([]byte("k"), "c", strconv.Itoa(i))["n"]
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil || n < r.Min || n > r.Max {
				t.Fatalf("%s is not in %v", s, r)
			}
		}
	}
	for _, digits := range []int{1, 7, 64, 65, maxHex} {
		got := drawing(Var{Name: "h", Hex: digits}).Draw([]byte("k"), "c", "s")["h"]
		if len(got) != digits || !regexp.MustCompile(`^[0-9a-f]+$`).MatchString(got) {
			t.Errorf("%d digits: %q", digits, got)
		}
	}
}

// TestDrawIsUniform asks for a chi-squared of a fair draw. The draw is fixed
// by its key, so that this can't fail by chance.
func TestDrawIsUniform(t *testing.T) {
	const students, sides = 12000, 6
	counts := map[string]float64{}
	die := drawing(Var{Name: "die", Int: &IntRange{1, sides}})
	for i := range students {
		counts[die.Draw([]byte("key"), "c", strconv.Itoa(i))["die"]]++
	}
	chi := 0.0
	for _, n := range counts {
		chi += (n - students/sides) * (n - students/sides) / (students / sides)
	}
	// 20.5 is passed once in a thousand with five degrees of freedom.
	if len(counts) != sides || chi > 20.5 {
		t.Errorf("chi-squared %.1f of %v", chi, counts)
	}
}

// TestBelowRejectsBias fails when the numbers that would make small results
// likelier are not drawn again: with n just above 2^63 half of all are.
func TestBelowRejectsBias(t *testing.T) {
	const n = 1<<63 + 1
	upper := 0
	for i := range 2000 {
		if newDraw([]byte("k"), strconv.Itoa(i)).below(n) >= 1<<62 {
			upper++
		}
	}
	if upper < 900 || upper > 1100 {
		t.Errorf("%d of 2000 draws are in the upper half, want about 1000", upper)
	}
}

func TestFill(t *testing.T) {
	values := Values{"port": "8080", "user": "a{{port}}b"}
	for text, want := range map[string]string{
		"plain":                 "plain",
		"on {{port}}, {{port}}": "on 8080, 8080",
		"{{user}}":              "a{{port}}b", // a value is not filled again
		`\{{port}} {{other}}`:   "{{port}} {{other}}",
		"{{ port }} {{port}":    "{{ port }} {{port}",
		"{{{port}}}":            "{8080}",
		"}}{{port}}{{":          "}}8080{{",
	} {
		if got := values.Fill(text); got != want {
			t.Errorf("%q gave %q, want %q", text, got, want)
		}
	}
	run := Run{Command: []TextPart{{Text: "echo "}, {Var: "port"}, {Text: "\n"}}}
	if got := run.Fill(values); got != "echo 8080\n" {
		t.Errorf("the command is %q", got)
	}
}
