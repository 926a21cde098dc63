package lab_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/internal/facts"
	"github.com/labmark/labmark/server/lab"
	"github.com/labmark/labmark/vmbackend/embedded"
)

// tricks are what students with root do so that a check passes without the
// work being done. The check asks for a file that is not there, in all ways
// that checks ask.
var tricks = []struct{ name, do string }{
	{"programs", `for p in test '[' grep cat curl env id stat ls printf true false; do rm -f /usr/bin/$p; printf '#!/bin/sh\nexit 0\n' >/usr/bin/$p; /usr/bin/python3 -c "import os;os.chmod('/usr/bin/$p',0o755)"; done; :`},
	{"PATH", `echo 'PATH=/root/fake' >>/etc/environment; mkdir -p /usr/local/bin; for p in grep test; do echo 'exit 0' >/usr/local/bin/$p; done; :`},
	{"preload", `echo /lib/evil.so >/etc/ld.so.preload; cp /usr/lib/x86_64-linux-gnu/libz.so.1 /lib/evil.so 2>/dev/null; :`},
	{"profile", `for f in /etc/profile /root/.bashrc /root/.profile /root/.bash_profile /etc/bash.bashrc /root/env; do echo 'exit 0; alias test=true; test() { :; }' >$f; done; echo 'BASH_ENV=/root/env' >>/etc/environment; :`},
	{"functions", `export BASH_ENV=/root/env; grep() { return 0; }; export -f grep; :`},
	{"nsswitch", `echo 'passwd: evil files' >/etc/nsswitch.conf; echo x >/lib/libnss_evil.so.2; :`},
	{"mounts", `mkdir -p /tmp/bin; mount --bind /tmp/bin /usr/local; mount -t tmpfs none /proc/fs; echo 'exit 0' >/proc/fs/grep; :`},
	{"proc", `mkdir -p /tmp/proc; echo 1 >/tmp/proc/uptime; mount --bind /tmp/proc /proc; :`},
	{"passwd", `echo "root::0:0:evil:/tmp/evil:/tmp/evil/sh" >/etc/passwd; :`},
	{"shell", `rm -f /bin/bash /bin/sh /usr/bin/dash; printf '#!/bin/true\n' >/bin/bash; :`},
}

const wantedTools = "type -P grep stat >&2\n"

const wanted = `[ -e /root/done ] || grep -q done /root/done || test -f /root/done || curl -sf -m 5 http://localhost:1/ ||
	[ "$(stat -c %U /root/done 2>/dev/null)" = root ] || [ "$(cat /root/done 2>/dev/null)" ] || id nobody-home >/dev/null 2>&1`

var wantedFacts = []facts.Fact{
	{Kind: "file", Subject: "/root/done"}, {Kind: "port", Subject: "1"}, {Kind: "process", Subject: "nginx"}, {Kind: "command", Subject: "test -e /root/done"},
}

// TestTricksOfARootStudent plays one trick on top of the other in a guest. The
// table in docs/security.md names each.
func TestTricksOfARootStudent(t *testing.T) {
	if _, err := embedded.Toolbox(runtime.GOARCH); err != nil {
		t.Skipf("there is no toolbox to try: %v", err)
	}
	root := guest(t)
	tools := lab.Tools
	check := func(s checks.Script) checks.Result {
		t.Helper()
		s.Timeout, s.Tools = time.Minute, tools
		r := checks.Run(t.Context(), root, s)
		t.Logf("%v: %s %s", r.Evidence.Ended.Sub(r.Evidence.Started).Round(time.Millisecond), r.Verdict, r.Message)
		return r
	}
	ask := func(t *testing.T) {
		t.Helper()
		if r := check(checks.Script{Body: wantedTools + wanted}); r.Verdict != checks.Fail || !strings.HasPrefix(r.Evidence.Stderr.Text, "/proc/fs/grep\n/proc/fs/stat\n") {
			t.Errorf("the script: %s, %q, %v\n%s", r.Verdict, r.Message, r.Err, r.Evidence.Stderr.Text)
		}
		if r := check(checks.Script{Lang: "sh", Body: wanted}); r.Verdict != checks.Fail {
			t.Errorf("the script for sh: %s, %q, %v\n%s", r.Verdict, r.Message, r.Err, r.Evidence.Stderr.Text)
		}
		// The agent itself looks, but where there is a command.
		for _, list := range [][]facts.Fact{wantedFacts, wantedFacts[:3]} {
			if r := check(checks.Script{Facts: list}); r.Verdict != checks.Fail || r.Score != 0 {
				t.Errorf("the facts: %s, %v, %q, %v\n%s", r.Verdict, r.Score, r.Message, r.Err, r.Evidence.Stdout.Text)
			}
		}
	}
	t.Run("users", func(t *testing.T) { users(t, root, tools) })
	t.Run("toolbox", func(t *testing.T) { changes(t, root, tools) })
	ask(t)
	for _, trick := range tricks {
		t.Run(trick.name, func(t *testing.T) {
			if r := checks.Run(t.Context(), root, checks.Script{Body: trick.do, Timeout: time.Minute}); r.Verdict != checks.Pass {
				t.Logf("the trick itself: %s %s", r.Verdict, r.Message)
			}
			ask(t)
			if trick.name != "programs" {
				return
			}
			// The trick is one: without the toolbox it works.
			if r := checks.Run(t.Context(), root, checks.Script{Body: wanted, Timeout: time.Minute}); r.Verdict != checks.Pass {
				t.Errorf("with the guest's own programs: %s, %q", r.Verdict, r.Message)
			}
		})
	}
	t.Run("work is still seen", func(t *testing.T) {
		// No program is left in the guest to make the file with, but ours.
		if r := check(checks.Script{Body: `echo done >/root/done`}); r.Verdict != checks.Pass {
			t.Fatalf("%s %v", r.Message, r.Err)
		}
		if r := check(checks.Script{Body: wanted}); r.Verdict != checks.Pass {
			t.Errorf("%s, %q", r.Verdict, r.Message)
		}
	})
}

// changes tries what root may do to the toolbox: it is refused or noticed.
func changes(t *testing.T, root *ssh.Client, tools *checks.Tools) {
	check := func(body string) checks.Result {
		return checks.Run(t.Context(), root, checks.Script{Body: body, Timeout: time.Minute, Tools: tools})
	}
	for _, body := range []string{`echo x >/proc/fs/bash`, `rm -f /proc/fs/grep; [ ! -e /proc/fs/grep ]`, `ln -sf /bin/true /proc/fs/grep`, `echo x >/proc/fs/curl`} {
		if r := check(body); r.Verdict != checks.Fail {
			t.Errorf("%s: %s, %q", body, r.Verdict, r.Message)
		}
	}
	// A check's own mounts are its own, and what it starts finds no way to ours.
	if r := check(`mount -t tmpfs none /mnt && touch /mnt/x`); r.Verdict != checks.Pass {
		t.Errorf("a check that mounts: %q %s", r.Message, r.Evidence.Stderr.Text)
	}
	if r := checks.Run(t.Context(), root, checks.Script{Body: `[ ! -e /mnt/x ] && [ ! -e /proc/fs/busybox ]`, Timeout: time.Minute}); r.Verdict != checks.Pass {
		t.Errorf("the student sees what is the check's: %q", r.Message)
	}
	// Who goes to the lengths of entering a check's namespace and makes the
	// toolbox writable again is noticed.
	entered := `sleep 60 & p=$!; nsenter -t $p -m mount -o remount,rw /proc/fs && echo ': grep' >/proc/fs/empty; kill $p; :`
	if r := checks.Run(t.Context(), root, checks.Script{Body: entered, Timeout: time.Minute, Tools: tools}); r.Verdict != checks.Pass {
		t.Fatalf("%q %s", r.Message, r.Evidence.Stderr.Text)
	}
	if r := check(`[ ! -s /proc/fs/empty ]`); r.Verdict != checks.Pass {
		t.Errorf("a changed toolbox is used: %s, %q, %v", r.Verdict, r.Message, r.Err)
	}
	// Killing the check gains nothing.
	if r := check(`kill -9 $$`); r.Verdict != checks.Unsure {
		t.Errorf("a killed check: %s, %q", r.Verdict, r.Message)
	}
}

// users: the agent itself changes the user.
func users(t *testing.T, root *ssh.Client, tools *checks.Tools) {
	r := checks.Run(t.Context(), root, checks.Script{User: "student", Timeout: time.Minute, Tools: tools, Vars: map[string]string{"a": "it's"},
		PassMessage: "$who in $place with $a", Body: `who=$(id -un)/$(id -Gn) place=$PWD; [ "$HOME" = /home/student ] && curl -s -o /dev/null http://localhost:1/; [ $? = 7 ] && umask | grep -q 022`})
	if r.Verdict != checks.Pass || !strings.HasPrefix(r.Message, "student/student") || !strings.HasSuffix(r.Message, " in /home/student with it's") {
		t.Errorf("%s %q %v\n%s", r.Verdict, r.Message, r.Err, r.Evidence.Stderr.Text)
	}
	r = checks.Run(t.Context(), root, checks.Script{User: "stranger", Body: "true", Timeout: time.Minute, Tools: tools})
	if r.Verdict != checks.Unsure || !strings.Contains(r.Message, "no user") {
		t.Errorf("a user who is not there: %s %q", r.Verdict, r.Message)
	}
}
