package checks_test

import (
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
)

func TestVerdicts(t *testing.T) {
	tests := []struct {
		name    string
		script  checks.Script
		verdict checks.Verdict
		score   float64
		message string
	}{
		{"exit 0 passes", checks.Script{Body: "true"}, checks.Pass, 1, "Passed."},
		{"an empty script passes", checks.Script{}, checks.Pass, 1, "Passed."},
		{"author's pass line", checks.Script{Body: "code=200", PassMessage: "Port $port gave ${code}. $5", Vars: map[string]string{"port": "80"}}, checks.Pass, 1, "Port 80 gave 200. $5"},
		{"author's fail line", checks.Script{Body: "code=404; test $code = 200", FailMessage: `Got $code, \$code $(id) ${x`}, checks.Fail, 0, "Got 404, $code $(id) ${x"},
		{"values at the end", checks.Script{Body: "n=1; n=$((n+1)); false", FailMessage: "n is $n"}, checks.Fail, 0, "n is 2"},
		{"no line of the author's", checks.Script{Body: "echo oh no >&2; exit 3"}, checks.Fail, 0, "The check did not pass (exit status 3). It said: oh no"},
		{"command not found", checks.Script{Body: "\n\nnosuchthing"}, checks.Fail, 0, "The check did not pass (exit status 127). It said: check: line 3: nosuchthing: command not found"},
		{"syntax error", checks.Script{Body: "if then"}, checks.Fail, 0, "exit status"},
		{"pass", checks.Script{Body: "pass Well done; false"}, checks.Pass, 1, "Well done"},
		{"fail", checks.Script{Body: "fail 'Not yet: it'\\''s 3'; true"}, checks.Fail, 0, "Not yet: it's 3"},
		{"partial", checks.Script{Body: "partial 3 4 'Three of four'"}, checks.Fail, 0.75, "Three of four"},
		{"partial without words", checks.Script{Body: "partial 3 4"}, checks.Fail, 0.75, "3 of 4 done."},
		{"all of it", checks.Script{Body: "partial 4 4"}, checks.Pass, 1, "Passed."},
		{"more than all", checks.Script{Body: "partial 5 4"}, checks.Pass, 1, "Passed."},
		{"partial nonsense", checks.Script{Body: "partial much 0"}, checks.Fail, 0, "The check did not pass"},
		{"partial NaN", checks.Script{Body: "partial NaN NaN"}, checks.Fail, 0, "The check did not pass"},
		{"unsure", checks.Script{Body: "unsure 'The mirror is down.'"}, checks.Unsure, 0, "The mirror is down. This try does not count."},
		{"exit 75", checks.Script{Body: "exit 75"}, checks.Unsure, 0, "could not tell"},
		{"fail in a subshell", checks.Script{Body: "printf 'a\\nb\\n' | while read -r l; do fail \"line $l\"; done; true"}, checks.Fail, 0, "line a"},
		{"colours", checks.Script{Body: `fail $'\e[31mred\e[0m\a\u202e end'`}, checks.Fail, 0, "red end"},
		{"exit trap", checks.Script{Body: "trap 'echo bye' EXIT; fail no"}, checks.Fail, 0, "no"},
		{"exit in an exit trap", checks.Script{Body: "trap 'exit 0' EXIT; x=1; false", PassMessage: "x is $x"}, checks.Pass, 1, "x is 1"},
		{"set -eu", checks.Script{Body: "set -eu; n=7; false; n=8", FailMessage: "n is $n"}, checks.Fail, 0, "n is 7"},
		{"set -u, unset", checks.Script{Body: "set -u; echo $nothing", FailMessage: "[$nothing]"}, checks.Fail, 0, "[]"},
		{"set -x", checks.Script{Body: "set -x; fail seen"}, checks.Fail, 0, "seen"},
		{"exec, good", checks.Script{Body: "exec true"}, checks.Pass, 1, "Passed."},
		{"exec, bad", checks.Script{Body: "code=3; exec false", FailMessage: "code $code"}, checks.Fail, 0, "The check did not pass (exit status 1)."},
		{"exec of nothing", checks.Script{Body: "exec /nowhere", FailMessage: "Nothing there"}, checks.Fail, 0, "Nothing there"},
		{"standard error closed", checks.Script{Body: "exec 2>&- >&-; fail still heard"}, checks.Fail, 0, "still heard"},
		{"standard error elsewhere", checks.Script{Body: "exec 2>/dev/null; false", FailMessage: "heard"}, checks.Fail, 0, "heard"},
		{"reads standard input", checks.Script{Body: "cat; read -r x || pass nothing there"}, checks.Pass, 1, "nothing there"},
		{"PATH replaced", checks.Script{Body: "PATH=/nowhere; fail lost"}, checks.Fail, 0, "lost"},
		{"helpers hidden", checks.Script{Body: "printf() { echo mine; }; exit() { :; }; builtin exit 1", FailMessage: "fine"}, checks.Fail, 0, "fine"},
		{"shell killed", checks.Script{Body: "kill -9 $$"}, checks.Unsure, 0, "signal KILL"},
		{"user missing", checks.Script{Body: "true", User: "nobody-here"}, checks.Unsure, 0, "could not be started"},
		{"user", checks.Script{Body: "test $(id -un):$(id -gn):$USER = nobody:nogroup:nobody && pass \"$(id)\"", User: "nobody"}, checks.Pass, 1, "nogroup"},
		{"bad user", checks.Script{User: "a;b"}, checks.Unsure, 0, "fault of its own"},
		{"bad language", checks.Script{Lang: "perl"}, checks.Unsure, 0, "fault of its own"},
		{"NUL", checks.Script{Body: "a\x00b"}, checks.Unsure, 0, "fault of its own"},

		{"sh pass line", checks.Script{Lang: "sh", Body: "code=1", PassMessage: "c$code"}, checks.Pass, 1, "c1"},
		{"sh fail", checks.Script{Lang: "sh", Body: "set -eu; trap 'echo bye' EXIT; fail \"it's\" bad"}, checks.Fail, 0, "it's bad"},
		{"sh partial", checks.Script{Lang: "sh", Body: "partial 1 2 half"}, checks.Fail, 0.5, "half"},
		{"sh unsure", checks.Script{Lang: "sh", Body: "unsure dunno"}, checks.Unsure, 0, "dunno This"},
		{"sh stdin", checks.Script{Lang: "sh", Body: "cat; read -r x || pass none"}, checks.Pass, 1, "none"},
		{"sh user", checks.Script{Lang: "sh", Body: "test $(id -un) = nobody", User: "nobody"}, checks.Pass, 1, "Passed."},
		{"python pass", checks.Script{Lang: "python", Body: "code = 200", PassMessage: "got $code"}, checks.Pass, 1, "got 200"},
		{"python fail", checks.Script{Lang: "python", Body: "fail('saw', 3)"}, checks.Fail, 0, "saw 3"},
		{"python partial", checks.Script{Lang: "python", Body: "partial(1, 4, 'some')"}, checks.Fail, 0.25, "some"},
		{"python passed", checks.Script{Lang: "python", Body: "passed('yes')\nfail()"}, checks.Pass, 1, "yes"},
		{"python unsure", checks.Script{Lang: "python", Body: "unsure('hm')"}, checks.Unsure, 0, "hm This"},
		{"python assert", checks.Script{Lang: "python", Body: "n = 3\nassert n == 4, f'n is {n}'"}, checks.Fail, 0, "AssertionError: n is 3"},
		{"python sys.exit", checks.Script{Lang: "python", Body: "import sys\nsys.exit('words')"}, checks.Fail, 0, "words"},
		{"python vanishes", checks.Script{Lang: "python", Body: "import os\nos._exit(0)"}, checks.Pass, 1, "Passed."},
		{"python syntax error", checks.Script{Lang: "python", Body: "if:"}, checks.Fail, 0, "SyntaxError"},
		{"python user", checks.Script{Lang: "python", Body: "import os\nassert os.getuid() == 65534", User: "nobody"}, checks.Pass, 1, "Passed."},
	}
	eachServer(t, func(t *testing.T, client *ssh.Client) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				r := checks.Run(t.Context(), client, test.script)
				if r.Verdict != test.verdict || r.Score != test.score || !strings.Contains(r.Message, test.message) {
					t.Errorf("got %s, %v, %q\nwant %s, %v, %q\nerror %v\nstdout %q\nstderr %q", r.Verdict, r.Score, r.Message,
						test.verdict, test.score, test.message, r.Err, r.Evidence.Stdout.Text, r.Evidence.Stderr.Text)
				}
				if strings.Contains(r.Evidence.Stdout.Text+r.Evidence.Stderr.Text, "\x1e") {
					t.Errorf("a record stayed in the evidence: %q", r.Evidence.Stderr.Text)
				}
			})
		}
	})
}

func TestEvidence(t *testing.T) {
	eachServer(t, func(t *testing.T, client *ssh.Client) {
		r := checks.Run(t.Context(), client, checks.Script{Body: "trap 'echo bye' EXIT; echo out; printf err >&2; exit 4"})
		e := r.Evidence
		if e.Stdout.Text != "out\nbye\n" || e.Stderr.Text != "err" || e.Stdout.Cut != 0 || e.ExitStatus == nil || *e.ExitStatus != 4 {
			t.Errorf("got %+v", e)
		}
		if e.Started.IsZero() || e.Ended.Before(e.Started) {
			t.Errorf("times are %v and %v", e.Started, e.Ended)
		}
	})
}

func TestEnvironment(t *testing.T) {
	// What a guest's account brings along must not reach a check.
	eachServer(t, func(t *testing.T, client *ssh.Client) {
		for lang, body := range map[string]string{
			"bash":   `env -0 | sort -z | cut -z -d= -f1 | tr '\0' ' '; alias; pwd`,
			"sh":     `env -0 | sort -z | cut -z -d= -f1 | tr '\0' ' '; pwd`,
			"python": `import os; print(*sorted(os.environ), os.getcwd())`,
		} {
			r := checks.Run(t.Context(), client, checks.Script{Lang: lang, Body: body, Vars: map[string]string{"b": "1"}})
			names := strings.NewReplacer("OLDPWD ", "", "PWD ", "", "SHLVL ", "", " _ ", " ").Replace(r.Evidence.Stdout.Text)
			if want := "HOME LABMARK_RUN LANG LOGNAME PATH SHELL USER b /root"; strings.Join(strings.Fields(names), " ") != want {
				t.Errorf("%s: environment is %q, want %q", lang, names, want)
			}
		}
	})
}

func TestScriptIsNotInTheProcessList(t *testing.T) {
	eachServer(t, func(t *testing.T, client *ssh.Client) {
		for _, lang := range []string{"bash", "sh", "python"} {
			body := "secret=4711\nps -eo args | grep -q '[s]ecret=4711' && fail seen\ntrue"
			if lang == "python" {
				body = "secret=4711\nimport os\nassert os.system(\"ps -eo args | grep -v grep | grep -q '[s]ecret=4711'\")"
			}
			if r := checks.Run(t.Context(), client, checks.Script{Lang: lang, Body: body}); r.Verdict != checks.Pass {
				t.Errorf("%s: %s %q", lang, r.Verdict, r.Message)
			}
		}
	})
}

func TestVerdictCannotBeForged(t *testing.T) {
	// A student's program prints what it likes, and looks where it may.
	body := `bash -c 'env; set; cat /proc/$PPID/cmdline; printf "\036%s" x pass "" "" hi >&2; [ -e /proc/self/fd/119 ] && printf "\036pass\036" >&119; true'; false`
	eachServer(t, func(t *testing.T, client *ssh.Client) {
		r := checks.Run(t.Context(), client, checks.Script{Body: body, FailMessage: "Seen through"})
		if r.Verdict != checks.Fail || r.Message != "Seen through" {
			t.Errorf("got %s %q", r.Verdict, r.Message)
		}
	})
}

func TestRevision(t *testing.T) {
	a := checks.Script{Body: "true", Vars: map[string]string{"a": "1"}}
	b := checks.Script{Body: "true", Vars: map[string]string{"a": "2"}}
	c := checks.Script{Body: "true", FailMessage: "No"}
	if a.Revision() != b.Revision() || a.Revision() == c.Revision() || len(a.Revision()) != len("sha256:")+64 {
		t.Errorf("revisions are %s, %s and %s", a.Revision(), b.Revision(), c.Revision())
	}
}
