package agent_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend/guestssh"
)

func TestTerminalHasSizeAndFollowsResizes(t *testing.T) {
	term, screen := newGround(t).attach(t, "main")
	if term.Replayed {
		t.Error("a new terminal says that it was kept")
	}
	typeLine(t, term, "stty size; echo $TERM")
	screen.shows(t, "24 80")
	screen.shows(t, "xterm-256color")
	if err := term.Resize(132, 50); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the shell sees the new size", func() bool {
		typeLine(t, term, "stty size")
		return strings.Contains(screen.String(), "50 132")
	})
	leave(t, term)
}

func TestTerminalIsKeptWithoutAConnection(t *testing.T) {
	g := newGround(t)
	first, screen := g.attach(t, "main")
	typeLine(t, first, "secret=4711; sleep 1000 & echo star''ted")
	screen.shows(t, "started")
	_ = first.Close()
	if _, err := first.Wait(); !errors.Is(err, guestssh.ErrDetached) {
		t.Errorf("leaving was reported as %v", err)
	}

	second, screen := g.attach(t, "main")
	if !second.Replayed {
		t.Error("the terminal was not kept")
	}
	screen.shows(t, "started") // scrollback
	typeLine(t, second, "echo still-$secret; jobs")
	screen.shows(t, "still-4711")
	screen.shows(t, "Running")
	typeLine(t, second, "kill %1; wait; exit 5")
	if status, err := second.Wait(); status != 5 || err != nil {
		t.Errorf("the shell's end was reported as %d, %v", status, err)
	}

	third, _ := g.attach(t, "main")
	if third.Replayed {
		t.Error("a shell that had ended was kept")
	}
	leave(t, third)
}

func TestTwoClientsSeeTheSameTerminal(t *testing.T) {
	g := newGround(t)
	one, screenOne := g.attach(t, "pair")
	typeLine(t, one, "echo from-o''ne")
	screenOne.shows(t, "from-one")
	two, screenTwo := g.attach(t, "pair")
	screenTwo.shows(t, "from-one")
	typeLine(t, two, "echo from-t''wo")
	screenOne.shows(t, "from-two")
	screenTwo.shows(t, "from-two")
	leave(t, two)
	if status, err := one.Wait(); status != 0 || err != nil {
		t.Errorf("the other client was told %d, %v", status, err)
	}
}

func TestNamesAreSeparateTerminals(t *testing.T) {
	g := newGround(t)
	a, screenA := g.attach(t, "a")
	b, screenB := g.attach(t, "b")
	typeLine(t, a, "x=1; echo a-se''t")
	screenA.shows(t, "a-set")
	typeLine(t, b, "echo [$x]")
	screenB.shows(t, "[]")
	leave(t, a)
	leave(t, b)
	for _, bad := range []string{"../x", "a b", strings.Repeat("n", 65)} {
		if _, err := guestssh.Attach(g.login(t), bad, 80, 24); err == nil || !strings.Contains(err.Error(), "LABMARK_TERMINAL") {
			t.Errorf("name %q: %v", bad, err)
		}
	}
}

func TestClientThatNeverReadsHoldsUpNobody(t *testing.T) {
	g := newGround(t)
	silent, err := guestssh.Attach(g.login(t), "main", 80, 24) // and never read
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	file := filepath.Join(t.TempDir(), "done")
	typeLine(t, silent, "seq 1 1000000; echo finis''hed; touch "+file) // 8 MB
	eventually(t, "the program gets on without its only reader", func() bool { return exists(file) })

	term, screen := g.attach(t, "main")
	screen.shows(t, "999999")
	screen.shows(t, "finished")
	typeLine(t, term, "seq 1 500000; echo aga''in")
	screen.shows(t, "again")
	leave(t, term)
}

func TestReaderMissesNothing(t *testing.T) {
	g := newGround(t)
	term, screen := g.attach(t, "main")
	typeLine(t, term, "seq -f 'line-%.0f' 1 200000; echo e''nd") // 2.5 MB
	screen.shows(t, "end\r\n")
	if n := strings.Count(screen.String(), "\r\nline-"); n < 199_999 {
		t.Errorf("of 200000 lines %d arrived", n)
	}
	leave(t, term)
}

func TestReplayDoesNotTypeAnswersAndKeepsModes(t *testing.T) {
	g := newGround(t)
	first, screen := g.attach(t, "main")
	typeLine(t, first, `printf '\033[6n\033[c\033[?1h\033[?2004h\033]10;?\007'; head -c 400000 /dev/zero | tr '\0' '.'; echo; echo f''ull`)
	screen.shows(t, "full")
	_ = first.Close()
	second, screen := g.attach(t, "main")
	screen.shows(t, "full")
	shown := screen.String()
	if !strings.HasPrefix(shown, "\x1bc") || !strings.Contains(shown[:200], "\x1b[?1h") {
		t.Errorf("the replay starts with %q", shown[:200])
	}
	for _, question := range []string{"\x1b[6n", "\x1b[c", "\x1b]10;?"} {
		if strings.Contains(shown, question) {
			t.Errorf("the replay asks %q", question)
		}
	}
	if len(shown) > 300_000 {
		t.Errorf("the replay has %d bytes", len(shown))
	}
	leave(t, second)
}

func TestFullScreenProgramDrawsItselfAnew(t *testing.T) {
	g := newGround(t)
	first, screen := g.attach(t, "main")
	// The trap only notes the signal: bash forgets one that comes while the trap
	// of the one before still runs, and stty takes its time.
	typeLine(t, first, `trap told=1 WINCH; told=; printf '\033[?1049h'; echo re''ady; while :; do read -t 1 x; [ "$x" = q ] && break; [ "$told" ] || continue; told=; printf "size %s;" "$(stty size)"; done; printf '\033[?1049l'; trap - WINCH`)
	screen.shows(t, "ready")
	_ = first.Close()
	second, screen := g.attach(t, "main")
	screen.shows(t, "\x1b[?1049h")
	screen.shows(t, "size 24 80;") // told to draw, at the size it had
	typeLine(t, second, "q")
	leave(t, second)
}

func TestPassingTerminalEndsWithItsClient(t *testing.T) {
	g := newGround(t)
	file := filepath.Join(t.TempDir(), "pid")
	s := session(t, g.login(t))
	if err := s.RequestPty("vt100", 24, 80, ssh.TerminalModes{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Start("echo $$ >" + file + ".tmp; mv " + file + ".tmp " + file + "; tty; exec sleep 1000"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it has started", func() bool { return exists(file) })
	pid, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	eventually(t, "it is gone", func() bool { return !exists("/proc/" + strings.TrimSpace(string(pid))) })
}
