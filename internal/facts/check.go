package facts

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CheckSubject says what is wrong with a subject, nil where nothing is. What
// has holes for variables is looked at when they are filled.
func CheckSubject(kind, subject string) error {
	k, known := kinds[kind]
	switch {
	case !known:
		return fmt.Errorf("there is no kind %q", kind)
	case strings.TrimSpace(subject) == "" || strings.ContainsRune(subject, 0):
		return fmt.Errorf("a %s is named, as in %q", kind, k.example)
	case strings.Contains(subject, "$"):
		return nil
	}
	switch kind {
	case "file", "mount":
		if !strings.HasPrefix(subject, "/") {
			return fmt.Errorf("the path of a %s begins with a slash", kind)
		}
	case "port":
		if n, err := strconv.Atoi(subject); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("a port is a number from 1 to 65535")
		}
	case "http":
		u, err := url.Parse(subject)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("an address looks like %s", k.example)
		}
	case "sysctl":
		if _, err := sysctlPath(subject); err != nil {
			return err
		}
	case "user", "group", "package", "service":
		if strings.ContainsAny(subject, "/: \t\n") {
			return fmt.Errorf("%q can't be the name of a %s", subject, kind)
		}
	}
	return nil
}

// CheckValue says what is wrong with a value of a field, nil where nothing is.
// field is one that Fields names, or "header NAME".
func CheckValue(kind, field string, v Value) error {
	form, ok := formOf(kind, field)
	if !ok {
		return fmt.Errorf("%s has no %q", kind, field)
	}
	return checkValue(kind, field, form, v)
}

func formOf(kind, field string) (Form, bool) {
	if kind == "http" && strings.HasPrefix(field, "header ") {
		return Text, true
	}
	form, ok := kinds[kind].fields[field]
	return form, ok
}

func checkValue(kind, field string, form Form, v Value) error {
	inner := append(slices.Clone(v.Any), v.All...)
	if v.Not != nil {
		inner = append(inner, *v.Not)
	}
	if len(inner) > 0 && form == Option {
		return fmt.Errorf("%s takes a single value", field)
	}
	for _, i := range inner {
		if err := checkValue(kind, field, form, i); err != nil {
			return err
		}
	}
	if len(inner) > 0 || strings.Contains(v.Text, "$") && form != Match {
		return nil
	}
	if form == Option {
		return checkOption(field, v.Text)
	}
	if kind == "file" && field == "type" && !strings.HasPrefix(v.Text, "/") {
		if name := strings.TrimSpace(strings.TrimPrefix(v.Text, "!=")); !slices.Contains(fileTypes, name) {
			return fmt.Errorf("there is no type %q: there are %s", name, strings.Join(fileTypes, ", "))
		}
	}
	_, err := parseTest(form, v.Text)
	return err
}

func checkOption(field, text string) error {
	switch field {
	case "protocol":
		if text != "tcp" && text != "udp" {
			return fmt.Errorf("a protocol is tcp or udp")
		}
	case "timeout":
		if d, err := time.ParseDuration(text); err != nil || d <= 0 || d > time.Minute {
			return fmt.Errorf("a timeout is a time such as 5s, at most 1m")
		}
	case "method":
		if !isToken(text) {
			return fmt.Errorf("a method is a word such as POST")
		}
	case "host", "user":
		if text == "" || strings.ContainsAny(text, " \t\r\n/") {
			return fmt.Errorf("%q can't be a %s", text, field)
		}
	}
	return nil
}

func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_", r)
	})
}

// Check says what is wrong with a whole fact, as content has read it or as it
// came from elsewhere.
func (f Fact) Check() error { return f.check(0) }

// maxDepth is how deep facts may stand in each other.
const maxDepth = 8

func (f Fact) check(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("facts stand in each other more than %d deep", maxDepth)
	}
	switch {
	case f.Not != nil:
		return f.Not.check(depth + 1)
	case len(f.Any) > 0:
		for _, a := range f.Any {
			if err := a.check(depth + 1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := CheckSubject(f.Kind, f.Subject); err != nil {
		return err
	}
	if f.Kind == "sysctl" && len(f.Wants) == 0 {
		return fmt.Errorf("the value of %s is missing", f.Subject)
	}
	for _, w := range f.Wants {
		if err := CheckValue(f.Kind, w.Field, w.Value); err != nil {
			return fmt.Errorf("%s: %w", w.Field, err)
		}
	}
	return nil
}
