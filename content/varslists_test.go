package content

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// manyVars has one of each kind, as authors write them.
const manyVars = `
vars:
  number: {int: 1-6, count: 3}
  user: {choice: [ann, bob, cid], count: 2}
  hash: {hex: 8, count: 4}
  phrase: {words: 3}
  names: {words: 1, count: 100}
  secret: {password: 12, count: 5}
  address: {ip: 192.0.2.0/29, count: 6}
  day: {date: 2024-02-28..2024-03-01, count: 3}
  any: {date: 2026-05-17..2026-05-17}
  line: {line: names.txt, count: 2}
`

func manyVarsTutorial(tb testing.TB) *Tutorial {
	tb.Helper()
	fsys := courseWith("---\ntitle: T" + manyVars + "---\nx\n")
	fsys["tutorials/names.txt"] = &fstest.MapFile{Data: []byte("one\r\n\n two \none\nthree")}
	c, findings := Load(fsys)
	if c == nil {
		tb.Fatal(findings)
	}
	return c.Tutorial("web")
}

func TestGeneratorsDrawWhatTheySay(t *testing.T) {
	tutorial := manyVarsTutorial(t)
	forms := map[string]string{
		"number": `^[1-6]( [1-6]){2}$`, "user": `^(ann|bob|cid) (ann|bob|cid)$`, "hash": `^[0-9a-f]{8}( [0-9a-f]{8}){3}$`,
		"phrase": `^[a-z]{3,8}(-[a-z]{3,8}){2}$`, "names": `^[a-z]{3,8}( [a-z]{3,8}){99}$`,
		"secret":  `^[a-zA-Z346789]{12}( [a-zA-Z346789]{12}){4}$`,
		"address": `^192\.0\.2\.[1-6]( 192\.0\.2\.[1-6]){5}$`, "day": `^(2024-02-28|2024-02-29|2024-03-01)( [0-9-]{10}){2}$`,
		"any": `^2026-05-17$`, "line": `^(one|two|three) (one|two|three)$`,
	}
	distinct := map[string]map[string]bool{}
	for i := range 200 {
		values := tutorial.Draw([]byte("key"), "c", strconv.Itoa(i))
		for name, form := range forms {
			if !regexp.MustCompile(form).MatchString(values[name]) {
				t.Fatalf("%s is %q", name, values[name])
			}
			if distinct[name] == nil {
				distinct[name] = map[string]bool{}
			}
			distinct[name][values[name]] = true
			seen := map[string]bool{}
			for _, one := range strings.Fields(values[name]) {
				if seen[one] {
					t.Fatalf("%s has %q twice: %q", name, one, values[name])
				}
				seen[one] = true
			}
		}
	}
	for name, values := range distinct {
		if len(values) < 3 && name != "any" {
			t.Errorf("%s was one of %d values only for 200 students", name, len(values))
		}
	}
}

// TestDrawsStayAsTheyWere holds each generator to its first values: another
// one would change what students have in mid-course.
func TestDrawsStayAsTheyWere(t *testing.T) {
	values := manyVarsTutorial(t).Draw([]byte("key"), "course", "ann")
	names := fmt.Sprintf("%x", sha256.Sum256([]byte(values["names"])))[:16]
	for name, want := range map[string]string{
		"number": "6 5 4", "user": "cid bob", "hash": "a66b81c0 05e0cd68 77a9db1c 576afb8e", "phrase": "orbit-flute-bridge", "secret": "XQFhMdsVvAi7 XeGeGU9NGF3A 7Aggy8CHhx3m L4QgveTK8tWw x7fY6gmshcur", "address": "192.0.2.3 192.0.2.1 192.0.2.2 192.0.2.6 192.0.2.4 192.0.2.5", "day": "2024-03-01 2024-02-29 2024-02-28", "line": "one two",
	} {
		if values[name] != want {
			t.Errorf("%s: %q", name, values[name])
		}
	}
	if names != "f3db4337d8293e74" {
		t.Error("names", names)
	}
}

// TestOneMoreValueKeepsTheFirst says that "count" can be added and raised.
func TestOneMoreValueKeepsTheFirst(t *testing.T) {
	for _, v := range []Var{
		{Name: "v", Int: &IntRange{1, 1000}}, {Name: "v", Hex: 12}, {Name: "v", Words: 2}, {Name: "v", Password: 9},
		{Name: "v", IP: netip.MustParsePrefix("10.0.0.0/8")}, {Name: "v", Date: &DateRange{time.Unix(0, 0).UTC(), time.Unix(86400*1000, 0).UTC()}},
		{Name: "v", Choice: strings.Split("abcdefghijklmnop", "")},
	} {
		before := drawing(v).Draw([]byte("k"), "c", "s")["v"]
		for v.Count = 1; v.Count < 6; v.Count++ {
			after := drawing(v).Draw([]byte("k"), "c", "s")["v"]
			if !strings.HasPrefix(after, before) || len(strings.Fields(after)) != v.Count {
				t.Errorf("%d of %+v are %q, before %q", v.Count, v, after, before)
			}
			before = after
		}
	}
}

func TestAddressesKeepToTheirNetwork(t *testing.T) {
	for _, network := range []string{"10.0.0.0/8", "128.0.0.0/1", "192.168.1.4/30", "fd00:1::/64", "2001:db8::10/126"} {
		v := Var{Name: "v", IP: netip.MustParsePrefix(network)}
		for i := range 300 {
			a := netip.MustParseAddr(drawing(v).Draw([]byte("k"), "c", strconv.Itoa(i))["v"])
			if !v.IP.Contains(a) || a == v.IP.Addr() || !v.IP.Contains(a.Next()) {
				t.Fatalf("%s is no machine in %s", a, network)
			}
		}
	}
}

func TestDepositHasALineForEachEntry(t *testing.T) {
	tutorial := mustCompile(t, `---
title: T
vars:
  names: {words: 1, count: 3}
  ids: {int: 1-9, count: 3}
  port: {int: 1-9}
---
`+"```setup {file=/etc/x}\n# {{port}} of {{other}}\n{{names}}:{{ids}} {{port}} {{names}}\n\n\\{{names}}\n{{port}}\nlast\n```\n"+
		"\n```file {path=/etc/y}\n{{names}}\n```\n\nx\n")
	values := Values{"names": "ann bob cid", "ids": "3 1 2", "port": "8"}
	want := "# 8 of {{other}}\nann:3 8 ann\nbob:1 8 bob\ncid:2 8 cid\n\n{{names}}\n8\nlast\n"
	if got := tutorial.Setups[0].Deposit.Fill(values); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	// The page shows the same text that is written.
	if got := tutorial.FileBlocks[0].Fill(values); got != "ann bob cid\n" {
		t.Errorf("the file block is %q", got)
	}
}
