package agent_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/internal/facts"
	"github.com/labmark/labmark/vmbackend/embedded"
)

func tools(tb testing.TB) *checks.Tools {
	tb.Helper()
	if _, err := embedded.Toolbox("amd64"); err != nil {
		tb.Skipf("no toolbox to try: %v", err)
	}
	return &checks.Tools{Toolbox: embedded.Toolbox, Agent: embedded.Agent}
}

// TestTricksOfARootStudent does to one guest what students would do to be
// marked without having done the work, one trick on top of the other. The
// table in docs/security.md names each.
func TestTricksOfARootStudent(t *testing.T) {
	m := bootUML(t)
	root := m.login(t, "root")
	check := func(body string) checks.Result {
		t.Helper()
		began := time.Now()
		r := checks.Run(t.Context(), root, checks.Script{Body: body, Timeout: time.Minute, Tools: tools(t)})
		t.Logf("%v: %s %s", time.Since(began).Round(time.Millisecond), r.Verdict, r.Message)
		return r
	}
	want := func(verdict checks.Verdict, body string) {
		t.Helper()
		if r := check(body); r.Verdict != verdict {
			t.Errorf("%s: %s, %q, %v\n%s%s", body, r.Verdict, r.Message, r.Err, r.Evidence.Stdout.Text, r.Evidence.Stderr.Text)
		}
	}
	want(checks.Pass, `type -P grep bash curl; ls -l /proc/fs; cat /proc/mounts >&2; test "$(type -P grep)" = /proc/fs/grep`)
	_ = facts.Fact{}
	_ = os.Stdout
	_ = strings.Contains
}
