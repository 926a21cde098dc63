package checks

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func split(chunks ...string) (text string, records []record) {
	var b strings.Builder
	s := &splitter{
		format: recordFormat{separator: "\x1eNN", values: []string{"v"}},
		text:   func(p []byte) { b.Write(p) },
		found:  func(r record) { records = append(records, r) },
	}
	for _, c := range chunks {
		s.write([]byte(c))
	}
	s.close()
	return b.String(), records
}

func TestSplitter(t *testing.T) {
	const sep = "\x1eNN"
	whole := sep + strings.Join([]string{"1", "fail", "", "", "oh\nno", "val"}, sep) + sep
	for at := range whole {
		text, records := split("be"+whole[:at], whole[at:]+"fore")
		if text != "before" || len(records) != 1 {
			t.Fatalf("cut at %d: text %q, %d records", at, text, len(records))
		}
		if r := records[0]; r.status != "1" || r.kind != "fail" || r.message != "oh\nno" || r.values["v"] != "val" {
			t.Fatalf("cut at %d: %+v", at, r)
		}
	}
	if text, records := split("\x1eN", "x\x1e"); text != "\x1eNx\x1e" || len(records) != 0 {
		t.Errorf("text %q, %d records", text, len(records))
	}
	if text, records := split("a" + whole[:len(whole)-1]); text != "a" || len(records) != 0 {
		t.Errorf("torn record: text %q, %d records", text, len(records))
	}
}

// FuzzCheckOutput feeds standard error as a guest may send it, in two pieces,
// and looks at everything that is made of it.
func FuzzCheckOutput(f *testing.F) {
	const sep = "\x1eNN"
	f.Add(sep+strings.Join([]string{"0", "partial", "1", "2", "m", "v"}, sep)+sep, 5, 0)
	f.Add("text"+sep, 4, 3)
	f.Add("\x1e\x1eN\x1eNN\xff\x1b[31", 2, 75)
	f.Fuzz(func(t *testing.T, stream string, at, status int) {
		at = min(max(at, 0), len(stream))
		whole, wholeRecords := split(stream)
		text, records := split(stream[:at], stream[at:])
		if text != whole || len(records) != len(wholeRecords) {
			t.Fatalf("pieces gave %q and %d records, the whole %q and %d", text, len(records), whole, len(wholeRecords))
		}
		if strings.Contains(text, sep) && len(records) == 0 && !strings.Contains(stream, sep) {
			t.Fatal("a separator came from nowhere")
		}
		var c capture
		c.write([]byte(text))
		seen := observation{exitStatus: &status, records: records, stderr: c.output(), lastLine: c.lastLine()}
		var r Result
		r.judge(Script{PassMessage: "p $v", FailMessage: "f $v"}, seen, nil)
		if r.Message == "" || !utf8.ValidString(r.Message) || len(r.Message) > MaxMessage+400 || strings.ContainsAny(r.Message, "\x00\x1b") {
			t.Fatalf("message %q", r.Message)
		}
		if !utf8.ValidString(seen.stderr.Text) || (r.Score == 1) != (r.Verdict == Pass) || r.Score < 0 || r.Score > 1 {
			t.Fatalf("%+v", r)
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add("Got $code, ${code}, \\$x $1 ${ ${a")
	f.Fuzz(func(t *testing.T, message string) {
		var back strings.Builder
		for _, part := range parseMessage(message) {
			if (part.name == "") == (part.text == "") {
				t.Fatalf("part %+v is neither text nor name", part)
			}
			back.WriteString(part.text + part.name)
		}
		drop := strings.NewReplacer("$", "", "{", "", "}", "", "\\", "")
		if drop.Replace(back.String()) != drop.Replace(message) {
			t.Fatalf("%q became %q", message, back.String())
		}
	})
}

func TestCaptureIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c capture
		var all strings.Builder
		for _, n := range rapid.SliceOf(rapid.IntRange(0, 9000)).Draw(t, "sizes") {
			piece := strings.Repeat("ä\n", n/3)
			c.write([]byte(piece))
			all.WriteString(piece)
		}
		out := c.output()
		if len(c.head) > MaxOutput || len(c.tail) > tailSize {
			t.Fatalf("kept %d and %d bytes", len(c.head), len(c.tail))
		}
		if !strings.HasPrefix(all.String(), out.Text) || out.Cut != int64(all.Len()-len(out.Text)) {
			t.Fatalf("kept %d, cut %d, of %d", len(out.Text), out.Cut, all.Len())
		}
	})
}
