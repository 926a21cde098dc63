package content

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

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

%[2]s%[2]s%[2]scheck {#check-%[1]d points=2 timeout=10s auto=5s}
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

func BenchmarkCompile(b *testing.B) {
	text := []byte(benchText())
	fsys := courseWith(string(text))
	l := &loader{fsys: fsys, tutorials: map[string]string{"web": "tutorials/web.md"}}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		src := newSource("tutorials/web.md", text)
		if !src.readable() {
			b.Fatal(src.findings)
		}
		t, d, body := frontMatter(src, defaults{guests: []Guest{defaultGuest}, images: builtinImages, points: 1, timeout: defaultTimeout})
		t.ID = "web"
		c := newCompiler(l, src, t, d, body)
		c.compile()
		if len(src.findings) > 0 || len(t.Checks) != 10 {
			b.Fatal(src.findings)
		}
	}
}

func benchmarkGoldmark(b *testing.B, extensions ...goldmark.Extender) {
	text := []byte(benchText())
	md := goldmark.New(goldmark.WithExtensions(extensions...))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var out bytes.Buffer
		if err := md.Convert(text, &out); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGoldmark compiles the same text by bare goldmark with the same
// extensions; this is the one to compare BenchmarkCompile with.
func BenchmarkGoldmark(b *testing.B) {
	benchmarkGoldmark(b, extension.GFM, highlighting.NewHighlighting(highlighting.WithFormatOptions(html.WithClasses(true))))
}

// BenchmarkGoldmarkPlain leaves out the highlighting, which BenchmarkCompile
// has.
func BenchmarkGoldmarkPlain(b *testing.B) { benchmarkGoldmark(b, extension.GFM) }

// BenchmarkCompilePlain leaves it out, too: its code names no language.
func BenchmarkCompilePlain(b *testing.B) {
	text := []byte(strings.ReplaceAll(benchText(), "```bash", "```"))
	l := &loader{fsys: courseWith(string(text)), tutorials: map[string]string{"web": "tutorials/web.md"}}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		src := newSource("tutorials/web.md", text)
		t, d, body := frontMatter(src, defaults{guests: []Guest{defaultGuest}, images: builtinImages, points: 1, timeout: defaultTimeout})
		t.ID = "web"
		newCompiler(l, src, t, d, body).compile()
		if len(src.findings) > 0 {
			b.Fatal(src.findings)
		}
	}
}
