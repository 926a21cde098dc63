package agent_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/vmbackend/guestssh"
)

// fault is what a student does to a guest in the terminal.
type fault struct {
	name, typed string
	proof       string // a command that succeeds once the fault is there
}

// TestStudentCannotLockTheGraderOut does to one real guest, in turn, what a
// student may do by mistake or on purpose. After each, a check must get in.
func TestStudentCannotLockTheGraderOut(t *testing.T) {
	surviveFaults(t,
		fault{"network down", "ip link set lo down", "! ip link show lo up | grep -q lo"},
		fault{"every signal to process 1", "for s in HUP QUIT ILL TRAP ABRT BUS FPE KILL SEGV PIPE ALRM STOP TSTP; do kill -$s 1; done; touch /signalled", "test -e /signalled"},
		fault{"passwd broken", "echo rubbish >/etc/passwd", "! grep -q root /etc/passwd"},
		fault{"disk full", "for size in 64M 8M 1M; do i=0; while fallocate -l $size /fill-$size-$i; do i=$((i+1)); done; done; dd if=/dev/zero of=/fill bs=64k", "[ $(stat -f -c %a /) -eq 0 ] && ! head -c 200000 /bin/bash >/probe-$$"},
		fault{"dev and proc emptied", "rm -rf /dev/null /dev/ptmx /dev/ttyS0 /dev/stdin; umount -l /dev/pts; umount -l /proc", "[ ! -e /dev/null ] && [ ! -e /proc/1 ]"},
	)
}

func TestForkBombDoesNotLockTheGraderOut(t *testing.T) {
	surviveFaults(t, fault{
		"fork bomb", "bomb() { while :; do bomb & done; }; bomb &",
		"[ $(cat /sys/fs/cgroup/student/pids.current) -ge 100 ]",
	})
}

func surviveFaults(t *testing.T, faults ...fault) {
	m := bootUML(t)
	term, err := guestssh.Attach(m.login(t, "root"), "main", 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	watch(term)
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			typeLine(t, term, fault.typed)
			c := m.login(t, "root")
			eventually(t, "the fault is there", func() bool { return session(t, c).Run(fault.proof) == nil })
			for range 5 {
				start := time.Now()
				s := session(t, c)
				s.Stdin = strings.NewReader("echo checked $((40+2))")
				out, err := s.Output("exec bash --noprofile --norc")
				if err != nil || string(out) != "checked 42\n" {
					t.Errorf("a check got %q, %v", out, err)
				}
				t.Logf("check took %v", time.Since(start))
			}
			again, err := guestssh.Attach(m.login(t, "root"), "main", 80, 24)
			if err != nil || !again.Replayed {
				t.Fatalf("the terminal is lost: %v", err)
			}
			_ = again.Close()
		})
	}
}

func TestUsersAndTerminalsOfARealGuest(t *testing.T) {
	m := bootUML(t)
	c := m.login(t, "student")
	out := run(t, c, "id -un; pwd; echo $HOME; echo hi | cat /dev/stdin; cat /proc/self/cgroup; ls -ld /tmp | cut -c1-10; cat /proc/self/oom_score_adj")
	if want := "student\n/home/student\n/home/student\nhi\n0::/\ndrwxrwxrwt\n0\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
	term, err := guestssh.Attach(c, "main", 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	screen := watch(term)
	typeLine(t, term, "cat /proc/self/cgroup; tty; ps -o user= -p $$; kill -9 1; /usr/sbin/poweroff")
	screen.shows(t, "0::/student")
	screen.shows(t, "/dev/pts/")
	screen.shows(t, "student")
	screen.shows(t, "ermission denied") // poweroff is root's
	if out := run(t, m.login(t, "root"), "bash -c 'sleep 0.1 & sleep 0.2 &' ; sleep 1; ps -eo stat= | grep -c Z || true"); !strings.HasPrefix(out, "0") {
		t.Errorf("zombies: %s", out)
	}
}

func TestStudentTurnsTheMachineOff(t *testing.T) {
	for command, want := range map[string]string{"poweroff": "poweroff", "reboot": "reboot", "shutdown -r now": "reboot", "halt": "poweroff"} {
		t.Run(command, func(t *testing.T) {
			m := bootUML(t)
			c := m.login(t, "root")
			s := session(t, c)
			if err := s.Start("echo kept >/etc/kept; " + command + "; sleep 100"); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			select {
			case <-m.ended:
			case <-time.After(patience):
				t.Fatal("the machine runs on")
			}
			<-m.host.Done()
			if m.host.Bye() != want {
				t.Errorf("the host was told %q, want %q", m.host.Bye(), want)
			}
			t.Logf("took %v", time.Since(start))
		})
	}
}

func TestNewHostTakesOverARealGuest(t *testing.T) {
	m := bootUML(t)
	term, err := guestssh.Attach(m.login(t, "root"), "main", 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	typeLine(t, term, "hostname changed; mark=alive; echo do''ne")
	watch(term).shows(t, "done")
	m.rejoin(t)
	c := m.login(t, "root")
	if out := run(t, c, "hostname"); out != "changed\n" {
		t.Errorf("joining again changed the hostname to %q", out)
	}
	again, err := guestssh.Attach(c, "main", 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	if !again.Replayed {
		t.Error("the terminal is gone")
	}
	typeLine(t, again, "echo still-$mark")
	watch(again).shows(t, "still-alive")
}

func TestTransfersOverARealLineAreWhole(t *testing.T) {
	m := bootUML(t)
	results := make(chan error, 5)
	data := bytes.Repeat([]byte("0123456789abcde\n"), 4<<10) // 64 KB
	for range 5 {
		c := m.login(t, "root")
		go func() {
			s, err := c.NewSession()
			if err != nil {
				results <- err
				return
			}
			defer func() { _ = s.Close() }()
			s.Stdin = bytes.NewReader(data)
			out, err := s.Output("cat")
			if err == nil && !bytes.Equal(out, data) {
				err = fmt.Errorf("%d bytes came back changed", len(out))
			}
			results <- err
		}()
	}
	for range 5 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}
