package checks_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// unsure fails the test unless r tells nothing because of err.
func unsure(t *testing.T, r checks.Result, err error, words string) {
	t.Helper()
	if r.Verdict != checks.Unsure || r.Score != 0 || !errors.Is(r.Err, err) || !strings.Contains(r.Message, words) {
		t.Errorf("got %s, %v, %q, error %v; want unsure by %v with %q", r.Verdict, r.Score, r.Message, r.Err, err, words)
	}
	if !strings.Contains(r.Message, "does not count") {
		t.Errorf("%q does not say that the try does not count", r.Message)
	}
}

// within fails the test when what took longer. Machines that run tests are
// slow at times, so limits are generous.
func within(t *testing.T, limit time.Duration, what func()) {
	t.Helper()
	begun := time.Now()
	what()
	if took := time.Since(begun); took > limit {
		t.Errorf("took %v, want at most %v", took, limit)
	}
}

func TestEndlessCheckIsEndedWithAllItStarted(t *testing.T) {
	endless := map[string]string{
		"loop":        "echo $$ >%[1]s; while :; do :; done",
		"child":       "sh -c 'echo $$ >%[1]s; exec sleep 1000'",
		"background":  "sh -c 'echo $$ >%[1]s; exec sleep 1000' & wait",
		"own session": "setsid sh -c 'echo $$ >%[1]s; exec sleep 1000' & sleep 1000",
		"own group":   "timeout 1000 sh -c 'trap \"\" TERM HUP INT; echo $$ >%[1]s; sleep 1000; sleep 1000'",
		"stubborn":    "trap '' TERM HUP INT; trap 'sleep 1000' EXIT; echo $$ >%[1]s; sleep 1000; sleep 1000",
	}
	eachServer(t, func(t *testing.T, client *ssh.Client) {
		for name, body := range endless {
			t.Run(name, func(t *testing.T) {
				pidFile := filepath.Join(t.TempDir(), "pid")
				within(t, 10*time.Second, func() {
					r := checks.Run(t.Context(), client, checks.Script{Body: fmt.Sprintf(body, pidFile), Timeout: 2 * time.Second})
					unsure(t, r, checks.ErrTimeout, "had not finished after 2 s")
				})
				text, err := os.ReadFile(pidFile)
				if err != nil {
					t.Fatal(err)
				}
				pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
				if err != nil {
					t.Fatal(err)
				}
				eventually(t, "the process is gone", func() bool { return !processExists(pid) })
			})
		}
	})
}

func TestServerWithoutSignals(t *testing.T) {
	client := (&agent{late: true}).dial(t)
	pidFile := filepath.Join(t.TempDir(), "pid")
	r := checks.Run(t.Context(), client, checks.Script{Body: "sh -c 'echo $$ >" + pidFile + "; exec sleep 1000'", Timeout: 2 * time.Second})
	unsure(t, r, checks.ErrTimeout, "2 s")
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process is gone", func() bool { return !processExists(pid) })
}

func TestDaemonThatHoldsTheStreamsOpen(t *testing.T) {
	test := func(t *testing.T, client *ssh.Client) {
		pidFile := filepath.Join(t.TempDir(), "pid")
		body := "sleep 1000 & echo $! >" + pidFile + "; echo started; fail 'Words of the end'"
		within(t, 8*time.Second, func() {
			r := checks.Run(t.Context(), client, checks.Script{Body: body, Timeout: 30 * time.Second})
			if r.Verdict != checks.Fail || r.Message != "Words of the end" || r.Evidence.Stdout.Text != "started\n" {
				t.Errorf("got %s %q, stdout %q", r.Verdict, r.Message, r.Evidence.Stdout.Text)
			}
		})
		text, err := os.ReadFile(pidFile)
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if !processExists(pid) {
			t.Error("the daemon did not outlive the check")
		}
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill()
		}
	}
	eachServer(t, test)
	t.Run("late", func(t *testing.T) { test(t, (&agent{late: true}).dial(t)) })
}

func TestFlood(t *testing.T) {
	eachServer(t, func(t *testing.T, client *ssh.Client) {
		for _, to := range []string{"", " >&2"} {
			within(t, 50*time.Second, func() {
				r := checks.Run(t.Context(), client, checks.Script{Body: "head -c 1G /dev/zero | tr '\\0' x" + to, Timeout: time.Minute})
				unsure(t, r, checks.ErrFlood, "printed more than 64 MB")
			})
		}
	})
}

func TestOutputIsCut(t *testing.T) {
	eachServer(t, func(t *testing.T, client *ssh.Client) {
		// 3 bytes a character, so that the limit falls within one.
		r := checks.Run(t.Context(), client, checks.Script{Body: `for i in {1..1000}; do printf '€€€€€€€€€€'; done; printf 'a\0\xffb' >&2; fail seen`})
		out := r.Evidence.Stdout
		if want := strings.Repeat("€", checks.MaxOutput/3); out.Text != want || out.Cut != int64(30000-len(want)) {
			t.Errorf("kept %d bytes, cut %d", len(out.Text), out.Cut)
		}
		if e := r.Evidence.Stderr; e.Text != "a\uFFFD\uFFFDb" || e.Cut != 0 {
			t.Errorf("standard error is %q, cut %d", e.Text, e.Cut)
		}
		if r.Message != "seen" {
			t.Errorf("got %q", r.Message)
		}
	})
}

func TestHugeScript(t *testing.T) {
	body := strings.Repeat(": 'filling é'\n", 15000) + "fail at the end"
	eachServer(t, func(t *testing.T, client *ssh.Client) {
		for _, lang := range []string{"bash", "sh"} {
			r := checks.Run(t.Context(), client, checks.Script{Lang: lang, Body: body, Timeout: time.Minute})
			if r.Message != "at the end" {
				t.Errorf("%s: got %s %q", lang, r.Verdict, r.Message)
			}
		}
	})
}

func TestConnectionCutInMidRun(t *testing.T) {
	a := &agent{}
	client := a.dial(t)
	started := filepath.Join(t.TempDir(), "started")
	go func() {
		for {
			if _, err := os.Stat(started); err == nil || t.Context().Err() != nil {
				a.conn.Close()
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	within(t, 15*time.Second, func() {
		r := checks.Run(t.Context(), client, checks.Script{Body: "touch " + started + "; sleep 3", Timeout: 30 * time.Second})
		unsure(t, r, checks.ErrConnection, "broke off")
	})
	r := checks.Run(t.Context(), client, checks.Script{Body: "true"})
	unsure(t, r, checks.ErrConnection, "broke off")
}

func TestScriptThatKillsItsSSHServer(t *testing.T) {
	r := checks.Run(t.Context(), dialOpenSSH(t), checks.Script{Body: "kill -9 $PPID; sleep 5", Timeout: 30 * time.Second})
	unsure(t, r, checks.ErrConnection, "broke off")
}

func TestServerRefusesSessions(t *testing.T) {
	client := (&agent{refuse: true}).dial(t)
	unsure(t, checks.Run(t.Context(), client, checks.Script{}), checks.ErrRefused, "refused")
}

func TestGuestThatSaysNothing(t *testing.T) {
	// The guest stands still: the exec request is taken, and no more heard.
	client := (&agent{handle: func(string, ssh.Channel) bool { return true }}).dial(t)
	within(t, 10*time.Second, func() {
		unsure(t, checks.Run(t.Context(), client, checks.Script{Timeout: time.Second}), checks.ErrTimeout, "1 s")
	})
}

func TestGuestDiesWithoutWords(t *testing.T) {
	client := (&agent{handle: func(_ string, c ssh.Channel) bool { return c.Close() == nil }}).dial(t)
	unsure(t, checks.Run(t.Context(), client, checks.Script{}), checks.ErrConnection, "broke off")
}

func TestAccountThatLetsNobodyRunAnything(t *testing.T) {
	client := (&agent{handle: func(_ string, c ssh.Channel) bool {
		_, _ = c.Write([]byte("This account is currently not available.\n"))
		_, _ = c.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{1}))
		return c.Close() == nil
	}}).dial(t)
	unsure(t, checks.Run(t.Context(), client, checks.Script{}), checks.ErrNoStart, "could not be started")
}

func TestCallerGivesUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	within(t, 10*time.Second, func() {
		r := checks.Run(ctx, dialAgent(t), checks.Script{Body: "sleep 100", Timeout: time.Minute})
		unsure(t, r, context.DeadlineExceeded, "interrupted")
	})
}

func TestManyAtOnce(t *testing.T) {
	client := dialAgent(t)
	results := make(chan checks.Result, 20)
	for i := range cap(results) {
		go func() {
			results <- checks.Run(t.Context(), client, checks.Script{Body: "fail $n", Timeout: time.Minute, Vars: map[string]string{"n": strconv.Itoa(i)}})
		}()
	}
	seen := map[string]bool{}
	for range cap(results) {
		r := <-results
		seen[r.Message] = r.Verdict == checks.Fail
	}
	if len(seen) != cap(results) {
		t.Errorf("got %d different results, want %d: %v", len(seen), cap(results), seen)
	}
}
