package agent_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/vmbackend/guestlink"
	"github.com/labmark/labmark/vmbackend/image"
)

func TestQEMUGuestServesHostAfterHost(t *testing.T) {
	store, tiny := builtin(t, "tiny")
	q := bootQEMU(t, store, tiny)
	c := q.login(t, "root")
	if got := run(t, c, "hostname; cat /proc/1/comm; mount | grep ' / '"); !strings.HasPrefix(got, "lab-guest\ninit\n/dev/vda on / type ext4 (rw") {
		t.Errorf("got %q", got)
	}
	if got := run(t, c, "cat /dev/vport*p1 2>&1; rm -f /dev/vport*; mkdir -p /tmp/x && echo kept >/tmp/x/y"); !strings.Contains(got, "busy") {
		t.Errorf("another program in the guest can read the agent's port: %q", got)
	}

	// A host that is gone for longer than the agent believes in its return.
	until := "setsid sh -c 'while kill -0 $0; do sleep 0.1; done; echo nobody is there >/dev/console' $$ >/dev/null 2>&1 & "
	if err := session(t, q.login(t, "root")).Start(until + "sleep 1000"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the guest watches its session", func() bool { return strings.Contains(run(t, c, "ps"), "kill -0") })
	_ = q.host.Close()
	ended := func() bool {
		text, _ := os.ReadFile(q.console)
		return bytes.Contains(text, []byte("nobody is there"))
	}
	// QEMU was seen, on a busy machine, not to tell the guest that its host has
	// hung up. Then the next host ends what the last one has left.
	for patient := time.Now().Add(20 * time.Second); !ended() && time.Now().Before(patient); time.Sleep(50 * time.Millisecond) {
	}
	if !ended() {
		t.Log("the guest did not notice that its host had gone")
		q.rejoin(t, guestlink.Options{Window: portWindow})
	}
	eventually(t, "the guest has ended what the host left", ended)
	for range 3 {
		q.rejoin(t, guestlink.Options{Window: portWindow})
		if got := run(t, q.login(t, "root"), "cat /tmp/x/y"); got != "kept\n" {
			t.Errorf("after the host came back: %q", got)
		}
	}
	// The clock follows the host's, until somebody in the guest sets it.
	q.personal.Time = time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)
	q.rejoin(t, guestlink.Options{Window: portWindow})
	if got := run(t, q.login(t, "root"), "date +%Y; date -s '2020-01-02 03:04' >/dev/null"); got != "2031\n" {
		t.Errorf("the clock of a machine that stood still says %s", got)
	}
	q.rejoin(t, guestlink.Options{Window: portWindow})
	if got := run(t, q.login(t, "root"), "date +%Y"); got != "2020\n" {
		t.Errorf("the clock that was set in the guest says %s", got)
	}
	// Much through the line, both ways.
	data := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)
	s := session(t, q.login(t, "root"))
	s.Stdin = bytes.NewReader(data)
	if back, err := s.Output("cat"); err != nil || !bytes.Equal(back, data) {
		t.Errorf("of %d bytes %d came back, error %v", len(data), len(back), err)
	}

	run(t, q.login(t, "root"), "sync; reboot & exit 0")
	<-q.host.Done()
	if q.host.Bye() != "reboot" {
		t.Errorf("the guest said %q before its reboot", q.host.Bye())
	}
	q.rejoin(t, guestlink.Options{Window: portWindow})
	if got := run(t, q.login(t, "root"), "cat /tmp/x/y; cut -d. -f1 /proc/uptime"); !strings.HasPrefix(got, "kept\n") {
		t.Errorf("after a reboot: %q", got)
	}
	run(t, q.login(t, "root"), "poweroff & exit 0")
	select {
	case <-q.ended:
	case <-time.After(patience):
		t.Error("QEMU runs on after poweroff")
	}
}

// What must differ between two copies of one saved machine, and what must not.
func TestCopiesOfOneMachineAreTwo(t *testing.T) {
	store, tiny := builtin(t, "tiny")
	template := newQEMU(t, store, tiny)
	template.start(t)
	line := template.connect(t)
	if err := guestlink.AwaitHello(t.Context(), line); err != nil {
		t.Fatal(err)
	}
	_ = line.Close()
	saved := filepath.Join(template.dir, "saved")
	template.tell(t, "stop")
	template.tell(t, "migrate \"exec:cat >"+saved+"\"")
	template.tell(t, "quit")
	<-template.ended

	const ask = "hostname; cat /etc/machine-id; cat /proc/sys/kernel/random/boot_id; head -c 16 /dev/urandom | od -An -tx1; " +
		"echo $$; ls /home; date +%s"
	var answers [2][]string
	for i := range answers {
		q := overlay(t, template.machine, template.disk)
		q.start(t, "-incoming", "exec:cat "+saved)
		_ = q.connect(t).Close()
		// What was saved stood still. While it is being read it can't go on.
		eventually(t, "the saved machine is read", func() bool { return !strings.Contains(q.tell(t, "info status"), "inmigrate") })
		q.tell(t, "cont")
		q.personalise(t)
		q.personal.Hostname = []string{"one", "two"}[i]
		q.personal.Entropy = bytes.Repeat([]byte{byte(i)}, 64)
		q.personal.Time = time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)
		q.rejoin(t, guestlink.Options{Window: portWindow, Awake: true})
		answers[i] = strings.Split(run(t, q.login(t, "root"), ask), "\n")
	}
	for n, what := range []string{"hostname", "machine-id", "boot_id", "random numbers"} {
		if answers[0][n] == answers[1][n] || answers[0][n] == "" {
			t.Errorf("%s: both copies have %q", what, answers[0][n])
		}
	}
	if answers[0][0] != "one" {
		t.Errorf("the first copy is called %s", answers[0][0])
	}
	for _, a := range answers {
		if !strings.HasPrefix(a[len(a)-2], "1935") { // 2031-05-01 is 1935403200
			t.Errorf("the clock says %v", a)
		}
	}
	if _, err := os.Stat(saved); err != nil {
		t.Error(err)
	}
}

func TestForeignProcessors(t *testing.T) {
	for _, arch := range []string{"aarch64", "s390x"} {
		t.Run(arch, func(t *testing.T) {
			if _, err := exec.LookPath("qemu-system-" + arch); err != nil {
				t.Skipf("no QEMU for %s: apt-get install qemu-system-arm qemu-system-misc", arch)
			}
			recipe, err := image.Builtin("tiny")
			if err != nil {
				t.Fatal(err)
			}
			recipe.Name, recipe.Arch = "tiny-"+arch, arch
			store, tiny := ensure(t, recipe)
			q := bootQEMU(t, store, tiny)
			if got := run(t, q.login(t, "root"), "uname -m; hostname; cat /proc/1/comm"); got != arch+"\nlab-guest\ninit\n" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// The firewall lab's tools find their modules under this kernel, too.
func TestQEMUHasTheModulesOfARecipe(t *testing.T) {
	store, debian := builtin(t, "debian-12")
	q := bootQEMU(t, store, debian, "-m", "192")
	c := q.login(t, "root")
	for _, command := range []string{
		"iptables -A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -j DROP && iptables -S INPUT | grep conntrack",
		"ip6tables -A INPUT -j LOG && ip6tables -S INPUT | grep LOG",
		"ip link add v0 type veth peer name v1 && ip link add br0 type bridge && ip link set v0 master br0 && ip -br link",
		"truncate -s 8M /tmp/d && modprobe loop && losetup -f --show /tmp/d",
		"ss -tln && ping -c1 127.0.0.1 && sudo -u student id",
	} {
		run(t, c, command)
	}
}
