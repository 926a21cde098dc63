package facts

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// test is one comparison, ready to be made.
type test struct {
	form Form
	op   string // "=", "!=", "<", "<=", ">", ">=" or "~"
	text string
	re   *regexp.Regexp
	num  float64
	mode modeTest
}

// maxPattern bounds regular expressions, in bytes.
const maxPattern = 4 << 10

func parseTest(form Form, text string) (test, error) {
	t := test{form: form, op: "=", text: text}
	var err error
	switch form {
	case Truth:
		if text != "true" && text != "false" {
			err = fmt.Errorf("%q is neither true nor false", text)
		}
	case Mode:
		t.mode, err = parseMode(text)
	case Match:
		err = t.pattern(strings.TrimSuffix(strings.TrimPrefix(text, "/"), "/"), "(?m)")
	case Number, Bytes:
		t.operator()
		t.num, err = parseNumber(t.text, form == Bytes)
	case Version:
		if isPattern(text) {
			return t, t.pattern(text[1:len(text)-1], "")
		}
		t.operator()
		err = checkVersion(t.text)
	case Text, Set, Part:
		if isPattern(text) {
			err = t.pattern(text[1:len(text)-1], map[bool]string{true: "(?m)"}[form == Part])
		} else if rest, found := strings.CutPrefix(text, "!="); found && form != Part {
			t.op, t.text = "!=", strings.TrimSpace(rest)
		}
	}
	return t, err
}

func isPattern(text string) bool {
	return len(text) > 2 && text[0] == '/' && text[len(text)-1] == '/'
}

func (t *test) pattern(text, flags string) error {
	if len(text) > maxPattern {
		return fmt.Errorf("a regular expression has at most %d bytes", maxPattern)
	}
	re, err := Compile(flags + text)
	if err != nil {
		return fmt.Errorf("this is no regular expression of Go's: %w", err)
	}
	t.op, t.text, t.re = "~", text, re
	return nil
}

// operator takes the comparison off the text.
func (t *test) operator() {
	for _, op := range []string{">=", "<=", "!=", "==", ">", "<", "="} {
		if rest, found := strings.CutPrefix(t.text, op); found {
			t.op, t.text = op, strings.TrimSpace(rest)
			if op == "==" {
				t.op = "="
			}
			return
		}
	}
}

var units = map[string]float64{"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

func parseNumber(text string, bytes bool) (float64, error) {
	digits := strings.TrimRight(text, "KkMmGgTtiB ")
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || n != n || n > 1e18 || n < -1e18 {
		return 0, fmt.Errorf("%q is no number", text)
	}
	unit := strings.ToUpper(strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(text[len(digits):]), "B"), "i"))
	factor, known := units[unit]
	if !known || !bytes && unit != "" {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return n * factor, nil
}

// holds compares. got is a text of the field's form.
func (t test) holds(got string) bool {
	if t.op == "~" {
		return t.re.MatchString(got)
	}
	switch t.form {
	case Number, Bytes:
		n, err := strconv.ParseFloat(got, 64)
		return err == nil && compares(t.op, cmp.Compare(n, t.num))
	case Version:
		return compares(t.op, compareVersions(got, t.text))
	case Mode:
		n, err := strconv.ParseUint(got, 8, 32)
		return err == nil && t.mode.holds(uint32(n))
	case Part:
		return strings.Contains(got, t.text)
	case Whole:
		return strings.TrimRight(got, "\r\n") == strings.TrimRight(t.text, "\r\n")
	}
	return (got == t.text) == (t.op == "=")
}

func compares(op string, c int) bool {
	switch op {
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	}
	return c == 0
}

// matches decides about a value, given all that was found of the field: one
// text, but for sets.
func (v Value) matches(form Form, got []string) (bool, error) {
	switch {
	case v.Not != nil:
		ok, err := v.Not.matches(form, got)
		return !ok, err
	case len(v.Any) > 0:
		for _, a := range v.Any {
			if ok, err := a.matches(form, got); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	case len(v.All) > 0:
		for _, a := range v.All {
			if ok, err := a.matches(form, got); !ok || err != nil {
				return ok, err
			}
		}
		return true, nil
	}
	t, err := parseTest(form, v.Text)
	if err != nil {
		return false, err
	}
	if form == Set && t.op == "!=" { // none is, rather than one is not
		t.op = "="
		for _, g := range got {
			if t.holds(g) {
				return false, nil
			}
		}
		return true, nil
	}
	for _, g := range got {
		if t.holds(g) {
			return true, nil
		}
	}
	return false, nil
}
