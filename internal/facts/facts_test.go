package facts

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// a machine of a few files
func machine(t *testing.T) *Machine {
	t.Helper()
	root := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	write("etc/motd", "Hello ann\nPort 8080 is $HOME\n", 0o640)
	write("etc/passwd", fmt.Sprintf("root:x:0:0:root:/root:/bin/bash\nann:x:1001:1001:Ann:/home/ann:/bin/zsh\nbob:x:1002:100::/home/bob:/bin/sh\nme:x:%d:%d::/:/bin/sh\n", max(os.Getuid(), 5000), os.Getgid()), 0o644)
	write("etc/group", "root:x:0:\nann:x:1001:\nusers:x:100:\nsudo:x:27:ann,root\n", 0o644)
	write("etc/shadow", "root:*:1::\nann:$y$abc:1::\nbob:!$y$abc:1::\n", 0o600)
	write("var/lib/dpkg/status", "Package: nginx\nStatus: install ok installed\nVersion: 1.22.1-9+deb12u1\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: bash\nStatus: install ok installed\nVersion: 5.2.15-2+b7\n", 0o644)
	write("lib/systemd/system/mine.service", "[Service]\nExecStart=-/nowhere/mine --foreground\n", 0o644)
	write("etc/init.d/old", "#!/bin/sh\nDAEMON=/nowhere/old\n", 0o755)
	write("etc/systemd/system/multi-user.target.wants/mine.service", "", 0o644)
	if err := os.Symlink("/etc/motd", filepath.Join(root, "etc/link")); err != nil {
		t.Fatal(err)
	}
	_ = os.Symlink("loop", filepath.Join(root, "loop"))
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	return &Machine{Root: root, Shell: "/bin/sh"}
}

func fact(kind, subject string, pairs ...string) Fact {
	f := Fact{Kind: kind, Subject: subject}
	for i := 0; i < len(pairs); i += 2 {
		f.Wants = append(f.Wants, Want{pairs[i], Value{Text: pairs[i+1]}})
	}
	return f
}

func TestFactsOfAMachine(t *testing.T) {
	m := machine(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
	any := func(values ...string) Value {
		var v Value
		for _, s := range values {
			v.Any = append(v.Any, Value{Text: s})
		}
		return v
	}
	for _, c := range []struct {
		fact Fact
		says string // part of the sentence; empty where it holds
	}{
		{fact("file", "/etc/motd"), ""},
		{fact("file", "/etc/motd", "mode", "0640", "type", "file", "size", ">= 10"), ""},
		{fact("file", "/etc/motd", "mode", "u=rw,g=r,o="), ""},
		{fact("file", "/etc/motd", "mode", "o-w,u+w"), ""},
		{fact("file", "/etc/motd", "mode", "0600"), "expected mode 0600, found mode 0640"},
		{fact("file", "/etc/motd", "size", "> 1M"), "expected size > 1M, found size 29"},
		{fact("file", "/etc/motd", "contains", "Hello ann"), ""},
		{fact("file", "/etc/motd", "contains", "Hello bob"), "expected a text that contains Hello bob, found “Hello ann⏎Port"},
		{fact("file", "/etc/motd", "matches", `^Port \d+`), ""},
		{fact("file", "/etc/motd", "matches", `^Port x`), "is not as expected: found “Hello"},
		{fact("file", "/etc/motd", "equals", "Hello ann\nPort 8080 is $HOME"), ""},
		{fact("file", "/etc/motd", "sha256", "00"), "is not as expected"},
		{fact("file", "/nothing"), "file /nothing: expected that it is there, found none"},
		{fact("file", "/nothing", "exists", "false"), ""},
		{fact("file", "/nothing", "mode", "0644"), "expected mode 0644, found that there is none"},
		{fact("file", "/etc/link", "type", "symlink", "target", "/etc/motd"), ""},
		{fact("file", "/etc/link", "type", "file"), "found type symlink"},
		{fact("file", "/loop", "contains", "x"), "links that lead in a circle"},
		{fact("file", "/pipe", "contains", "x"), "found a fifo"},
		{fact("file", "/etc", "type", "directory"), ""},
		{fact("file", "/etc", "contains", "x"), "found a directory"},
		{fact("user", "ann", "shell", "/bin/zsh", "uid", ">= 1000", "home", "/home/ann"), ""},
		{fact("user", "ann", "groups", "sudo"), ""},
		{Fact{Kind: "user", Subject: "ann", Wants: []Want{{"groups", Value{All: []Value{{Text: "sudo"}, {Text: "ann"}}}}}}, ""},
		{fact("user", "bob", "groups", "sudo"), "expected groups sudo, found groups users"},
		{fact("user", "bob", "groups", "!= sudo"), ""},
		{fact("user", "bob", "locked", "true"), ""},
		{fact("user", "ann", "locked", "true"), "expected locked, found not locked"},
		{fact("user", "cid"), "user cid: expected that it exists, found none"},
		{fact("user", "cid", "uid", "5"), "found no such user"},
		{fact("group", "users", "members", "bob"), ""},
		{fact("package", "nginx", "version", ">= 1.22"), ""},
		{fact("package", "nginx", "version", ">= 1.23"), "found version 1.22.1-9+deb12u1"},
		{fact("package", "gone"), "expected installed, found not installed"},
		{fact("service", "mine", "enabled", "true"), ""},
		{fact("service", "mine"), "expected running, found not running"},
		{fact("service", "old", "enabled", "true"), "expected enabled, found not enabled"},
		{fact("service", "none"), "not running"},
		{fact("port", port, "address", "127.0.0.1"), ""},
		{fact("port", port, "address", "*"), "found address 127.0.0.1"},
		{fact("port", "1"), "expected listening, found not listening"},
		{fact("process", "facts.test"), "expected running"}, // itself is not looked at
		{fact("command", "echo hello; exit 3", "exit", "3", "contains", "hello"), ""},
		{fact("command", "exit 3"), "expected exit status 0, found exit status 3"},
		{fact("command", "echo a", "contains", "b"), "found “a”"},
		{fact("mount", "/proc", "type", "proc"), ""},
		{fact("mount", "/nowhere"), "expected mounted, found not mounted"},
		{fact("sysctl", "kernel.ostype", "value", "Linux"), ""},
		{fact("sysctl", "kernel.nothing", "value", "1"), "found no such setting"},
		{fact("http", "http://127.0.0.1:1/"), "expected status 200, found nobody who listens there"},
		{Fact{Not: &Fact{Kind: "file", Subject: "/etc/motd"}}, "expected not that it is there, found it"},
		{Fact{Not: &Fact{Kind: "file", Subject: "/no"}}, ""},
		{Fact{Any: []Fact{fact("package", "apache2"), fact("package", "nginx")}}, ""},
		{Fact{Any: []Fact{fact("package", "apache2"), fact("package", "gone")}}, "package apache2 or package gone: expected installed or installed"},
		{Fact{Kind: "user", Subject: "ann", Wants: []Want{{"shell", any("/bin/bash", "/bin/zsh")}}}, ""},
		{Fact{Kind: "user", Subject: "ann", Wants: []Want{{"shell", Value{Not: &Value{Text: "/bin/zsh"}}}}}, "expected shell not /bin/zsh, found shell /bin/zsh"},
		{Fact{Kind: "file", Subject: "/no", Message: "Make it first."}, "Make it first."},
	} {
		f := m.Look(t.Context(), []Fact{c.fact})[0]
		if f.Unsure || f.Holds != (c.says == "") || !f.Holds && !strings.Contains(f.Sentence(), c.says) {
			t.Errorf("%+v: %s\n\tsaid %q, want %q", c.fact, f.Line(), f.Sentence(), c.says)
		}
	}
}

// Whatever the machine holds, looking ends.
func TestHostileFiles(t *testing.T) {
	m := machine(t)
	big := filepath.Join(m.Root, "big")
	if err := os.WriteFile(big, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, 10<<30); err != nil {
		t.Fatal(err)
	}
	for _, f := range []Fact{fact("file", "/big", "contains", "x"), fact("file", "/big", "sha256", "00"), fact("file", "/pipe", "sha256", "00")} {
		if found := m.Look(t.Context(), []Fact{f})[0]; found.Holds || found.Unsure {
			t.Errorf("%s", found.Line())
		} else {
			t.Log(found.Line())
		}
	}
	real := &Machine{Shell: "/bin/sh"}
	for _, path := range []string{"/dev/zero", "/dev/tty", "/proc/kmsg", "/proc/self/mem"} {
		if found := real.Look(t.Context(), []Fact{fact("file", path, "contains", "no such text")})[0]; found.Holds {
			t.Errorf("%s", found.Line())
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	found := m.Look(ctx, []Fact{fact("command", "sleep 600"), fact("file", "/etc/motd")})
	if !found[0].Unsure || !found[1].Unsure {
		t.Errorf("out of time: %s; %s", found[0].Line(), found[1].Line())
	}
}

func TestFill(t *testing.T) {
	values := map[string]string{"port": "80", "word": "a.b"}
	for text, want := range map[string]string{
		"$port": "80", "${port}x": "80x", "$ports": "$ports", `\$port`: "$port", "$HOME": "$HOME", "5$": "5$", `a\b$port`: `a\b80`,
	} {
		if got := fillText(text, values, false); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	f := Fill([]Fact{fact("http", "http://localhost:$port/", "matches", `^$word\$port$`), fact("command", "echo $port")}, values)
	if f[0].Subject != "http://localhost:80/" || f[0].Wants[0].Value.Text != `^a\.b\$port$` || f[1].Subject != "echo $port" {
		t.Errorf("filled: %+v", f)
	}
	if !Mentions(f[1:], "port") || Mentions(f[1:], "word") {
		t.Error("what a command mentions is not noticed")
	}
}

func TestVersions(t *testing.T) {
	// In order, after the examples of Debian's policy.
	ordered := []string{"0~", "0", "1.0~~", "1.0~~a", "1.0~", "1.0", "1.0-1", "1.0-1+b1", "1.0a", "1.0a1", "1.0+b", "1.0.1", "1.2", "1.10", "1:0.1"}
	for i, a := range ordered {
		for j, b := range ordered {
			if c := compareVersions(a, b); (c < 0) != (i < j) || (c == 0) != (i == j) {
				t.Errorf("%s and %s: %d", a, b, c)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		kind, field, value, says string
	}{
		{"file", "mode", "rw-r--r--", "no mode"}, {"file", "mode", "0999", "no mode"}, {"file", "mode", "z+x", "no mode"},
		{"file", "size", "ten", "no number"}, {"file", "size", "5X", "no number"}, {"user", "uid", "5M", "no number"},
		{"file", "matches", "(", "no regular expression"}, {"user", "shell", "/(/", "no regular expression"},
		{"package", "version", "new", "no version"}, {"file", "exists", "maybe", "neither true nor false"},
		{"file", "type", "folder", "no type"}, {"port", "protocol", "icmp", "tcp or udp"}, {"http", "timeout", "soon", "a time"},
		{"file", "colour", "red", `no "colour"`},
	} {
		if err := CheckValue(c.kind, c.field, Value{Text: c.value}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %s %s: %v", c.kind, c.field, c.value, err)
		}
	}
	for _, f := range []Fact{fact("file", "motd"), fact("port", "http"), fact("http", "localhost"), fact("sysctl", "../x"), fact("sysctl", "a.b"), fact("fil", "/x"), {}} {
		if f.Check() == nil {
			t.Errorf("%+v was taken", f)
		}
	}
}
