package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/labmark/labmark/server/store"
)

// TestFaults lets one class of students live through what goes wrong. Each
// has a machine of their own, so they don't disturb each other.
func TestFaults(t *testing.T) {
	g := startGateway(t, "course")

	t.Run("gateway killed in mid-check", func(t *testing.T) {
		s := g.student(t, "ann", "faults")
		s.ready(t)
		sh := s.shell(t, "main")
		sh.run(t, "export KEPT=yes; echo here")
		attempt := newUUID()
		s.post(t, s.api+"/checks/slow", map[string]string{"attempt": attempt})
		eventually(t, "the script to have begun", func() bool {
			sh.run(t, "cat slow")
			return strings.Contains(sh.shown(), "ran")
		})
		before := g.guestOf(t, s)
		g.kill()
		g.start(t)

		ch := s.events(t)
		if verdict, message := s.verdict(t, ch, attempt); verdict != "pass" {
			t.Errorf("the attempt ended as %q: %s", verdict, message)
		}
		if after := g.guestOf(t, s); after != before {
			t.Errorf("the guest was %s before and is %s now", before, after)
		}
		// The same request again must not make a second attempt.
		status, body := s.post(t, s.api+"/checks/slow", map[string]string{"attempt": attempt})
		if status != http.StatusAccepted || !strings.Contains(body, `"state":"done"`) || !strings.Contains(body, `"attempts":1`) {
			t.Errorf("the same attempt sent again: %d %s", status, body)
		}
		// The terminal's programs have lived on.
		again := s.shell(t, "main")
		again.run(t, "echo KEPT=$KEPT")
		if !strings.Contains(again.shown(), "KEPT=yes") || !strings.Contains(again.shown(), "echo here") {
			t.Errorf("the kept shell is another one or has lost its scrollback:\n%s", again.shown())
		}
	})

	t.Run("guest killed", func(t *testing.T) {
		s := g.student(t, "bob", "faults")
		s.ready(t)
		s.shell(t, "main").run(t, "touch kept; sync")
		g.killKernel(t, g.guestOf(t, s))
		s.guest(t, "none")
		if status, body := s.post(t, s.api+"/checks/kept", map[string]string{"attempt": newUUID()}); status != http.StatusConflict {
			t.Errorf("a check without a machine: %d %s", status, body)
		}
		s.ready(t)
		if verdict, message := s.check(t, "kept"); verdict != "pass" {
			t.Errorf("after the restart: %s: %s", verdict, message)
		}
	})

	t.Run("everything killed from inside", func(t *testing.T) {
		s := g.student(t, "cid", "faults")
		s.ready(t)
		sh := s.shell(t, "main")
		sh.send(t, "kill -9 1; rm -rf /etc/ssh /etc/passwd /etc/pam.d; kill -9 -1; kill -9 $$\r")
		<-sh.ended
		s.stillAlive(t)
		// A new terminal opens, though there are no accounts any more.
		s.shell(t, "other").run(t, "true")
	})

	t.Run("disk full", func(t *testing.T) {
		s := g.student(t, "dan", "faults")
		s.ready(t)
		sh := s.shell(t, "main")
		sh.run(t, "fallocate -l $(df --output=avail / | tail -1)K /root/fill; head -c 1G /dev/zero > /root/rest; df -h / | tail -1")
		if !strings.Contains(sh.shown(), "100%") {
			t.Fatalf("the disk is not full:\n%s", sh.shown())
		}
		s.stillAlive(t)
		s.shell(t, "other").run(t, "true")
	})

	t.Run("fork bomb", func(t *testing.T) {
		s := g.student(t, "eve", "faults")
		s.ready(t)
		sh := s.shell(t, "main")
		sh.send(t, "bomb() { bomb | bomb & }; bomb; while :; do sleep 1000 & done\r")
		sh.await(t, "the bomb to be in full swing", func(shown string) bool {
			// The fifth job's number is seen when there are more than 100 processes.
			return strings.Contains(shown, "fork:") || strings.Contains(shown, "[5]")
		})
		s.stillAlive(t)
		s.do(t, "stop")
		s.guest(t, "none")
	})

	t.Run("checks without end", func(t *testing.T) {
		s := g.student(t, "fay", "faults")
		s.ready(t)
		verdict, message := s.check(t, "endless")
		if verdict != "unsure" || !strings.Contains(message, "3 s") {
			t.Errorf("a check beyond its time: %s: %s", verdict, message)
		}
		sh := s.shell(t, "main")
		sh.run(t, "pgrep -c -f 'sleep 1000' || echo NONE")
		if !strings.Contains(sh.shown(), "NONE") {
			t.Errorf("the check's processes live on:\n%s", sh.shown())
		}
		before := g.peakMemory(t)
		if verdict, message := s.check(t, "flood"); verdict == "" {
			t.Errorf("a check that prints 1 GB: %s: %s", verdict, message)
		}
		if grown := g.peakMemory(t) - before; grown > 64<<20 {
			t.Errorf("the gateway has grown by %d MB over a check's output", grown>>20)
		}
		s.stillAlive(t)
	})

	t.Run("terminal that is never read", func(t *testing.T) {
		s := g.student(t, "gus", "faults")
		s.ready(t)
		deaf := s.dial(t, "main")
		before := g.peakMemory(t)
		deaf.send(t, "yes nobody reads this\r")
		hearing := s.shell(t, "main")
		hearing.await(t, "another page to see the same terminal", func(shown string) bool {
			return strings.Contains(shown, "nobody reads this\r\nnobody reads this")
		})
		s.stillAlive(t)
		if grown := g.peakMemory(t) - before; grown > 64<<20 {
			t.Errorf("the gateway has grown by %d MB over output that nobody reads", grown>>20)
		}
	})

	t.Run("reset", func(t *testing.T) {
		s := g.student(t, "hal", "faults")
		s.ready(t)
		s.shell(t, "main").run(t, "touch kept")
		if verdict, _ := s.check(t, "kept"); verdict != "pass" {
			t.Fatalf("verdict %q before the reset", verdict)
		}
		s.do(t, "reset")
		s.guest(t, "ready")
		if verdict, message := s.check(t, "kept"); verdict != "fail" {
			t.Errorf("the file has outlived a reset: %s: %s", verdict, message)
		}
		e := await(t, s.events(t), "the score", func(e event) bool { return e.Name == "score" })
		if e.Data["points"] != 1.0 {
			t.Errorf("after the reset the score is %v, want the point that was won", e.Data)
		}
	})

	t.Run("nothing leaks", func(t *testing.T) {
		const waiting = 2 // one of each kind of guest that the course has
		eventually(t, "retired guests to be gone", func() bool { return len(g.guestIDs(t)) <= len("abcdefgh")+waiting })
	})
}

// stillAlive asks for a verdict in spite of everything.
func (s *student) stillAlive(t *testing.T) {
	t.Helper()
	if verdict, message := s.check(t, "alive"); verdict != "pass" {
		t.Errorf("a check that can only pass says %s: %s", verdict, message)
	}
}

// guestIDs are the guests that the backend keeps.
func (g *gateway) guestIDs(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(g.dir, "uml", "guests"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.Name())
	}
	return ids
}

// guestOf looks up a student's guest in the assignment table.
func (g *gateway) guestOf(t *testing.T, s *student) string {
	t.Helper()
	db, err := store.Open(filepath.Join(g.dir, "labmark.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	user, err := db.UserByLogin(t.Context(), s.name)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.Guests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if o, owned := row.Owner(); owned && o.UserID == user.ID {
			return row.ID
		}
	}
	t.Fatalf("%s has no guest", s.name)
	return ""
}

// peakMemory is the gateway's highest resident size so far, in bytes.
func (g *gateway) peakMemory(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.Fields(kb)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatal("the kernel does not tell the gateway's memory")
	return 0
}

// killKernel kills the User-Mode Linux process of a guest.
func (g *gateway) killKernel(t *testing.T, id string) {
	t.Helper()
	pid, err := os.ReadFile(filepath.Join(g.dir, "uml", "guests", id, "shim.pid"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ps", "-o", "pid=", "--ppid", strings.TrimSpace(string(pid))).Output()
	if err != nil || len(strings.Fields(string(out))) == 0 {
		t.Fatalf("guest %s has no kernel: %v", id, err)
	}
	if out, err := exec.Command("kill", append([]string{"-9"}, strings.Fields(string(out))...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestMachineIsAsAStudentExpects tries what a newcomer types first.
func TestMachineIsAsAStudentExpects(t *testing.T) {
	g := startGateway(t, "course")
	s := g.student(t, "ann", "work")
	s.ready(t)
	sh := s.shell(t, "main")
	for _, tt := range []struct{ command, want string }{
		{"whoami; pwd", "student\r\n/home/student"},
		{"ps aux | head -3", "COMMAND"},
		{"ps -ef | grep -c bash", "\r\n"},
		{"sudo id -u", "\r0\r\n"},
		{"man ls | cat | head -5", "list directory contents"},
		{"tty", "/dev/pts/"},
		{"ping -c1 10.0.2.1 | tail -3", "1 received"},
		{"date +%Y", "20"},
		{"python3 -c 'print(6*7)'", "\r42\r\n"},
		{"free -m | head -2", "Mem:"},
		{"uptime", "load average"},
		{"command -v nano vi sudo tree file less curl", "/usr/bin/curl"},
	} {
		before := len(sh.shown())
		sh.run(t, tt.command)
		if out := sh.shown()[before:]; !strings.Contains(out, tt.want) {
			t.Errorf("%s: %q, want %q in it", tt.command, out, tt.want)
		}
	}
}
