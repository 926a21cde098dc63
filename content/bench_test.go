package content

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/yuin/goldmark"
	highlighting "github.com/yuin/goldmark-highlighting/v2"
	"github.com/yuin/goldmark/extension"
)

// benchText is a tutorial of about 200 blocks, as an author would write it:
// ten tasks in five steps, each with check, solution, mistake, hint, prose,
// code, a list, a table and a note.
func benchText() string {
	var b strings.Builder
	b.WriteString(opening)
	for i := range 10 {
		if i%2 == 0 {
			fmt.Fprintf(&b, "\n## Step %d\n\nA student reads *what it is about*, with `code` and a [link](https://example.org/%d).\n", i, i)
		}
		fmt.Fprintf(&b, `
Files live in folders, and folders live in folders. The command %[2]sls -l%[2]s lists
them with **owner**, group and mode; on port {{port}} something may answer as well.

- one thing, with %[2]scode%[2]s
- another thing for {{user}}
- a third, see the [manual](https://manpages.example.org/ls.1)

:::note
Mind the *gap* between a path and a name.
:::

| command | what it does |
|---------|--------------|
| %[2]sls%[2]s    | lists files  |
| %[2]scd%[2]s    | changes the folder |

:::task {#task-%[1]d title="Do thing %[1]d"}
Make a folder %[2]s/srv/data-%[1]d%[2]s that belongs to {{user}}, with a file in it that
holds the number {{port}} and nothing else.

%[2]s%[2]s%[2]scheck {#check-%[1]d points=2 timeout=10s}
:pass: The folder is there.
:fail: No folder /srv/data-%[1]d, or it belongs to $owner.
owner=$(stat -c %%U /srv/data-%[1]d 2>/dev/null)
test "$owner" = "$user" || fail "It belongs to $owner."
grep -qx "$port" /srv/data-%[1]d/* || fail "No file holds $port."
%[2]s%[2]s%[2]s

%[2]s%[2]s%[2]ssolve {for=check-%[1]d}
mkdir -p /srv/data-%[1]d
echo "$port" >/srv/data-%[1]d/number
chown "$user" /srv/data-%[1]d
%[2]s%[2]s%[2]s

%[2]s%[2]s%[2]smistake {for=check-%[1]d expect="belongs to root"}
mkdir -p /srv/data-%[1]d
%[2]s%[2]s%[2]s

%[2]s%[2]s%[2]sbash
for f in /srv/*; do
  if [ -d "$f" ]; then
    echo "$f is a folder" # {{port}}
  fi
done
%[2]s%[2]s%[2]s

:::hint {after=2}
Look at %[2]sman mkdir%[2]s and at %[2]sman chown%[2]s.
:::
:::
`, i, "`")
	}
	return b.String()
}

// plainText is benchText without the language of its code blocks, so that
// nothing is highlighted.
func plainText() string { return strings.ReplaceAll(benchText(), "```bash", "```") }

// compiling gives a function that compiles a text as Load does, from bytes to
// pages.
func compiling(tb testing.TB, text string) func() {
	raw := []byte(text)
	l := &loader{fsys: courseWith(text), tutorials: map[string]string{"web": "tutorials/web.md"}}
	d := defaults{guests: []Guest{defaultGuest}, images: builtinImages, points: 1, timeout: defaultTimeout}
	return func() {
		src := newSource("tutorials/web.md", raw)
		if !src.readable() {
			tb.Fatal(src.findings)
		}
		f := l.frontMatter(src, d)
		f.tutorial.ID = "web"
		newCompiler(l, src, f).compile()
		if len(src.findings) > 0 || len(f.tutorial.Checks) != 10 {
			tb.Fatal(src.findings)
		}
	}
}

// bare gives a function that compiles a text by goldmark alone.
func bare(tb testing.TB, text string, extensions ...goldmark.Extender) func() {
	raw := []byte(text)
	md := goldmark.New(goldmark.WithExtensions(extensions...))
	return func() {
		var out bytes.Buffer
		if err := md.Convert(raw, &out); err != nil {
			tb.Fatal(err)
		}
	}
}

var highlighter = highlighting.NewHighlighting(highlighting.WithFormatOptions(html.WithClasses(true)))

func measure(b *testing.B, text string, work func()) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		work()
	}
}

func BenchmarkCompile(b *testing.B) { measure(b, benchText(), compiling(b, benchText())) }

// BenchmarkGoldmark compiles the same text with the same extensions.
func BenchmarkGoldmark(b *testing.B) {
	measure(b, benchText(), bare(b, benchText(), extension.GFM, highlighter))
}

// The two below leave highlighting out: it takes most of the time, and this
// package finds lexers faster than the extension does.

func BenchmarkCompilePlain(b *testing.B) { measure(b, plainText(), compiling(b, plainText())) }

func BenchmarkGoldmarkPlain(b *testing.B) {
	measure(b, plainText(), bare(b, plainText(), extension.GFM))
}

// BenchmarkRatio takes turns, without highlighting, and reports the medians of
// both and of the ratios of neighbouring turns, in one run.
func BenchmarkRatio(b *testing.B) {
	ours, theirs := compiling(b, plainText()), bare(b, plainText(), extension.GFM)
	seconds := func(work func()) float64 {
		start := time.Now()
		work()
		return time.Since(start).Seconds()
	}
	var compile, goldmark, ratios []float64
	for b.Loop() {
		c, g := seconds(ours), seconds(theirs)
		compile, goldmark, ratios = append(compile, c), append(goldmark, g), append(ratios, c/g)
	}
	median := func(x []float64) float64 { slices.Sort(x); return x[len(x)/2] }
	b.ReportMetric(1e9*median(compile), "compile-ns")
	b.ReportMetric(1e9*median(goldmark), "goldmark-ns")
	b.ReportMetric(median(ratios), "ratio")
}
