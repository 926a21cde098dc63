package facts

import (
	"strings"
	"testing"
)

func TestPatternsAreBounded(t *testing.T) {
	for _, good := range []string{`^port \d{2,5}$`, `a{1000}`, `(\w+\.){3}\w+`, `\pL{200}x*`} {
		if _, err := Compile(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		strings.Repeat("a{1000}", 500), strings.Repeat(`(\PL\pL){500}`, 200), `((a{30}){30}){10}`, `(?:(?:x{0,100}){100,})`,
		strings.Repeat("(", 900) + "a" + strings.Repeat("){2}", 900),
	} {
		if _, err := Compile(bad); err == nil {
			t.Errorf("%.40s… is taken", bad)
		}
	}
	if err := CheckValue("file", "matches", Value{Text: strings.Repeat("a{1000}", 100)}); err == nil {
		t.Error("a fact takes a pattern of 100,000 steps")
	}
}
