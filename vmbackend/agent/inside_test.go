package agent

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAccountsSurviveBrokenFiles(t *testing.T) {
	const passwd = "root:x:0:0:root:/root:/bin/bash\nstudent:x:1000:1000::/home/student:/bin/sh\nodd\nbad:x:abc:1::/:/bin/sh\n"
	const group = "sudo:x:27:student,other\nstudent:x:1000:\nadm:x:4:other,student\n"
	for name, c := range map[string]struct {
		passwd, user string
		uid          uint32
		groups       []uint32
		fails        bool
	}{
		"student":            {passwd, "student", 1000, []uint32{1000, 27, 4}, false},
		"root":               {passwd, "root", 0, []uint32{0}, false},
		"unknown":            {passwd, "nobody", 0, nil, true},
		"bad number":         {passwd, "bad", 0, nil, true},
		"root without file":  {"", "root", 0, nil, false},
		"root in rubbish":    {"\x00\xff::::\n", "root", 0, nil, false},
		"root with a number": {"root:x:1000:0::/:/bin/sh\n", "root", 0, nil, false},
		"others in rubbish":  {"\x00\xff", "student", 0, nil, true},
		"very long line":     {strings.Repeat("x", 1<<20) + "\n" + passwd, "root", 0, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
				t.Fatal(err)
			}
			if c.passwd != "" {
				_ = os.WriteFile(filepath.Join(root, "etc/passwd"), []byte(c.passwd), 0o644)
			}
			_ = os.WriteFile(filepath.Join(root, "etc/group"), []byte(group), 0o644)
			acct, err := lookup(root, c.user)
			if (err != nil) != c.fails || err == nil && (acct.uid != c.uid || !slices.Equal(acct.groups, c.groups)) {
				t.Errorf("got %+v, %v", acct, err)
			}
		})
	}
}

func TestShellsFallBack(t *testing.T) {
	nologin := account{shell: "/usr/sbin/nologin"}
	if got := nologin.shells(false); got[0] != "/bin/bash" || got[1] != "/bin/sh" {
		t.Errorf("commands of an account without login run under %v", got)
	}
	if got := nologin.shells(true); got[0] != "/usr/sbin/nologin" {
		t.Errorf("its terminals run %v", got)
	}
	if got := (account{shell: "/bin/sh"}).shells(true); got[0] != "/bin/sh" {
		t.Errorf("an account with sh has terminals with %v", got)
	}
}

func TestCommandLine(t *testing.T) {
	got := parseCommandLine("mem=64M root=/dev/ubda ro labmark.link=/dev/vport0p1 labmark.pids=99 quiet\n")
	want := bootOptions{root: "/dev/ubda", fstype: "ext4", link: "/dev/vport0p1", readOnly: true, pids: 99}
	if got != want {
		t.Errorf("got %+v", got)
	}
}

func TestHostnameIsGivenToHostsOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := replaceFile(path, []byte("one\n")); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(filepath.Join(path, "below-a-file"), nil); err == nil || firstWord(path) != "one" {
		t.Error("a file that could not be replaced was damaged")
	}
}

// TestRingKeepsTheLastBytes holds the ring against the plainest model.
func TestRingKeepsTheLastBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r ring
		var all []byte
		for range rapid.IntRange(1, 8).Draw(t, "writes") {
			n := rapid.OneOf(rapid.IntRange(0, 5000), rapid.IntRange(0, 2*scrollback)).Draw(t, "size")
			p := make([]byte, n)
			for i := range p {
				p[i] = byte('a' + (len(all)+i)%23)
			}
			r.write(p)
			all = append(all, p...)
		}
		kept := all[max(0, len(all)-scrollback):]
		if r.head != uint64(len(all)) || r.tail() != uint64(len(all)-len(kept)) {
			t.Fatalf("head %d, tail %d of %d", r.head, r.tail(), len(all))
		}
		got := make([]byte, len(kept)+10)
		n, ok := r.read(r.tail(), got)
		if !ok || !bytes.Equal(got[:n], kept) {
			t.Fatalf("%d of %d bytes, %v", n, len(kept), ok)
		}
		if r.tail() > 0 {
			if _, ok := r.read(r.tail()-1, got); ok {
				t.Fatal("gave out what is no longer kept")
			}
		}
	})
}

func TestScannerLosesNothingHoweverItIsCut(t *testing.T) {
	pieces := rapid.SampledFrom([]string{"text", "\x1b[31m", "\x1b[?1049h", "\x1b]0;title\x07", "\x1bP+q54\x1b\\", "\x1bc", "\x1b(B", "ü€", "\n", "\x1b"})
	rapid.Check(t, func(t *rapid.T) {
		all := strings.Join(rapid.SliceOf(pieces).Draw(t, "pieces"), "")
		var s scanner
		var got bytes.Buffer
		for rest := []byte(all); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			s.scan(rest[:n], func(p []byte) { got.Write(p) })
			rest = rest[n:]
		}
		got.Write(s.held)
		if got.String() != all {
			t.Fatalf("%q became %q", all, &got)
		}
	})
}

func TestModesAreRestored(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                              "",
		"\x1b[?1049h\x1b[?25l\x1b=":          "\x1b[?1049h\x1b[?25l\x1b=",
		"\x1b[?1049h\x1b[?1049l":             "",
		"\x1b[?1000;1006h":                   "\x1b[?1000h\x1b[?1006h",
		"\x1b[?25l\x1bc":                     "",
		"\x1b[?7l\x1b[?7h\x1b[?12h\x1b[4h":   "",
		"\x1b[?2004h half a sequence \x1b[?": "\x1b[?2004h",
	} {
		var m modes
		for _, b := range []byte(in) {
			m.write([]byte{b})
		}
		if got := string(m.restore()); got != want {
			t.Errorf("after %q: %q, want %q", in, got, want)
		}
	}
}

func TestReplayStartsSanely(t *testing.T) {
	var r ring
	r.write(bytes.Repeat([]byte("äö"), scrollback)) // no line ends at all
	data, _ := r.replay()
	if rest := bytes.TrimPrefix(data, []byte("\x1bc")); rest[0]&0xC0 == 0x80 {
		t.Errorf("the replay starts inside a character: % x", rest[:4])
	}
	r = ring{}
	r.write([]byte("\x1b[?1049h"))
	r.write(bytes.Repeat([]byte("0123456789\n"), scrollback/10))
	data, alternate := r.replay()
	if !alternate || !bytes.HasPrefix(data, []byte("\x1bc\x1b[?1049h0123")) {
		t.Errorf("the replay starts with %q (alternate: %v)", data[:20], alternate)
	}
}

// FuzzReplay looks for output that makes a replay ask the terminal something.
func FuzzReplay(f *testing.F) {
	f.Add([]byte("\x1b[?1049h\x1b[6n\x1b]10;?\x07"))
	f.Add([]byte("\x1b\x1b[6n[6n\x1b[6\x1b[6n"))
	f.Add([]byte("\x1b]0;\x1b[6n\x1b[\x1b[6n6n"))
	f.Fuzz(func(t *testing.T, p []byte) {
		var r ring
		r.write(p)
		data, _ := r.replay()
		if len(data) > scrollback+1000 || bytes.Contains(data, []byte("\x1b[6n")) {
			t.Errorf("%q", data)
		}
	})
}
