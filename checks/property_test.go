package checks_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/labmark/labmark/checks"
)

// anyText draws byte strings that are hard on shells.
func anyText() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{"'", `"`, "\\", "$x", "`id`", "\n", "\r\n", "$(id)", "€", "\x01", "\x7f", "\xff", "\x1e", " ", "~", "!", "@BODY@", "%s", "-n", "'\\''"}),
		rapid.StringN(0, 5, 20),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 5), func(b []byte) string { return string(b) }),
	)
	return rapid.Map(rapid.SliceOfN(piece, 0, 8), func(p []string) string {
		return strings.ReplaceAll(strings.Join(p, ""), "\x00", "0")
	})
}

func TestVarsArriveUnchanged(t *testing.T) {
	client := dialAgent(t)
	rapid.Check(t, func(rt *rapid.T) {
		value := anyText().Draw(rt, "value")
		r := checks.Run(t.Context(), client, checks.Script{
			Body: `printf %s "$v" | od -An -v -tx1 | tr -d ' \n'; fail "$v"`,
			Vars: map[string]string{"v": value}, Timeout: time.Minute,
		})
		if want := hex.EncodeToString([]byte(value)); r.Evidence.Stdout.Text != want {
			rt.Fatalf("%q arrived as %s, want %s (%v, %s)", value, r.Evidence.Stdout.Text, want, r.Message, r.Evidence.Stderr.Text)
		}
		if r.Verdict != checks.Fail || r.Message == "" || strings.ContainsAny(r.Message, "\x01\x1e\x7f") {
			rt.Fatalf("%s %q", r.Verdict, r.Message)
		}
	})
}

func TestVarsArriveUnchangedInOtherLanguages(t *testing.T) {
	bodies := map[string]string{ // Python and sh take long to start, so many go at once.
		"sh":     `for n in $(env -0 | cut -z -d= -f1 | tr '\0' '\n' | grep '^v[0-9]*$' | sort); do eval "printf %s \"\$$n\"" | od -An -v -tx1 | tr -d ' \n'; echo; done`,
		"python": "import os\nfor n in sorted(k for k in os.environb if k[:1] == b'v'): print(os.environb[n].hex() if os.fsencode(eval(n)) == os.environb[n] else n)",
	}
	client := dialAgent(t)
	for lang, body := range bodies {
		vars := map[string]string{}
		var want strings.Builder
		for i := range 200 {
			value := anyText().Example(i)
			vars[fmt.Sprintf("v%03d", i)] = value
			want.WriteString(hex.EncodeToString([]byte(value)) + "\n")
		}
		r := checks.Run(t.Context(), client, checks.Script{Lang: lang, Body: body, Vars: vars, Timeout: time.Minute})
		if r.Evidence.Stdout.Text != want.String() {
			t.Errorf("%s: got\n%s\nwant\n%s\n%s", lang, r.Evidence.Stdout.Text, want.String(), r.Message)
		}
	}
}

func TestAnyMessageIsSafe(t *testing.T) {
	// Whatever stands in an author's line, nothing in it is run.
	client := dialAgent(t)
	rapid.Check(t, func(rt *rapid.T) {
		line := anyText().Draw(rt, "line")
		r := checks.Run(t.Context(), client, checks.Script{Body: "x=seen; false", FailMessage: line, Timeout: time.Minute})
		if r.Verdict != checks.Fail || r.Message == "" || strings.Contains(r.Message, "uid=") {
			rt.Fatalf("%q gave %s %q", line, r.Verdict, r.Message)
		}
	})
}
