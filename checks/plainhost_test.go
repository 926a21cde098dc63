package checks_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/internal/facts"
)

// Machines without an agent are looked at by its program, brought for that
// once; nothing of it stays.
func TestFactsOfAPlainHost(t *testing.T) {
	client := dialOpenSSH(t)
	agent := filepath.Join(t.TempDir(), "agent")
	build := exec.Command("go", "build", "-o", agent, "github.com/labmark/labmark/cmd/labmark-agent")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tools := &checks.Tools{Agent: func(arch string) ([]byte, error) {
		if arch != runtime.GOARCH {
			return nil, fmt.Errorf("asked for %s", arch)
		}
		return os.ReadFile(agent)
	}}
	list := []facts.Fact{{Kind: "file", Subject: "/etc/passwd"}, {Kind: "command", Subject: `test "$word" = "it's"`}, {Kind: "file", Subject: "/no/$word"}}
	r := checks.Run(t.Context(), client, checks.Script{Facts: list, Timeout: time.Minute, Tools: tools, Vars: map[string]string{"word": "it's"}})
	if r.Verdict != checks.Fail || r.Score < 0.6 || r.Message != "file /no/it's: expected that it is there, found none. (2 of 3 hold.)" {
		t.Errorf("%s, %v, %q, %v\n%s", r.Verdict, r.Score, r.Message, r.Err, r.Evidence.Stdout.Text)
	}
	if left, _ := filepath.Glob("/tmp/*/labmark-agent"); len(left) > 0 {
		t.Errorf("the agent's program was left: %v", left)
	}
	if r := checks.Run(t.Context(), client, checks.Script{Facts: list}); r.Verdict != checks.Unsure || !errors.Is(r.Err, checks.ErrRefused) {
		t.Errorf("without a program to bring: %s, %v", r.Verdict, r.Err)
	}
}
