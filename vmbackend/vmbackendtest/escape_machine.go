package vmbackendtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
)

// machineProcess looks at the process that root in the guest would have if it
// broke out of its kernel or its emulator: it is nobody and has nothing.
func machineProcess(p *prison) {
	if p.Machine == nil {
		p.Log("the guest's process is on another machine: not looked at")
		return
	}
	pid, other := p.Machine(p.T, p.prisoner.id), p.Machine(p.T, p.neighbour.id)
	status := fields(p, pid)
	for name, want := range map[string]string{"CapEff": "0000000000000000", "CapPrm": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2"} {
		if status[name] != want {
			p.Errorf("the guest's process has %s %s, it should be %s", name, status[name], want)
		}
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		p.Fatal(err)
	}
	words := strings.ReplaceAll(string(line), "\x00", " ")
	for _, w := range p.Words {
		if !strings.Contains(words, w) {
			p.Errorf("%q is not on the command line %s", w, words)
		}
	}
	sharedDescriptors(p, pid)
	readAs(p, status)
	if os.Getuid() == 0 && pid == other {
		p.Error("two guests are one process")
	}
}

func fields(p *prison, pid int) map[string]string {
	p.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		p.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		value, _, _ = strings.Cut(strings.TrimSpace(value), "\t")
		all[name] = value
	}
	return all
}

// sharedDescriptors says what the process has inherited of ours, and what it
// has open of the gateway's folder that is not its own.
func sharedDescriptors(p *prison, pid int) {
	mine := map[string]bool{}
	for _, link := range descriptors(p, os.Getpid()) {
		if strings.HasPrefix(link, "socket:") || strings.HasPrefix(link, "pipe:") {
			mine[link] = true
		}
	}
	for _, link := range descriptors(p, pid) {
		if mine[link] {
			p.Errorf("the guest's process shares %s with the gateway", link)
		}
		if strings.Contains(link, p.neighbour.id) || strings.Contains(link, "labmark.db") {
			p.Errorf("the guest's process has %s open", link)
		}
	}
}

func descriptors(p *prison, pid int) (links []string) {
	p.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrPermission) {
		p.Logf("%v: what the process has open is not looked at", err)
		return nil
	}
	if err != nil {
		p.Fatal(err)
	}
	for _, e := range entries {
		if link, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			links = append(links, link)
		}
	}
	return links
}

// readAs reads, as the process's user, what the gateway keeps for itself.
func readAs(p *prison, status map[string]string) {
	if os.Getuid() != 0 {
		p.Log("not root: guests run as this user, and only their walls keep them from its files")
		return
	}
	uid, err := strconv.Atoi(status["Uid"])
	if err != nil {
		p.Fatal(err)
	}
	gid, err := strconv.Atoi(status["Gid"])
	if err != nil {
		p.Fatal(err)
	}
	if uid == 0 || gid == 0 {
		p.Fatalf("the guest's process runs as user %d, group %d", uid, gid)
	}
	// As the database is kept: its folder is its owner's alone.
	folder := filepath.Join(p.TempDir(), "data")
	file := filepath.Join(folder, "labmark.db")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.WriteFile(file, []byte("everything"), 0o600)); err != nil {
		p.Fatal(err)
	}
	cmd := exec.Command("cat", file)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	if out, err := cmd.Output(); err == nil {
		p.Errorf("user %d reads the gateway's data: %s", uid, out)
	}
}

// abuseDevices takes all that devices give, and floods what prints.
func abuseDevices(p *prison) {
	client := p.prisoner.connect("root")
	for _, abuse := range []string{
		"[ ! -e /dev/hwrng ] || timeout 10 head -c 10000000 /dev/hwrng >/dev/null",
		"for c in console ttyS1 ttyS2 ttyS3 hvc0 hvc1 tty0 tty1 ttyAMA0; do [ ! -e /dev/$c ] || yes labmark | timeout 3 head -c 4000000 >/dev/$c; done",
		"for d in /sys/bus/virtio/drivers/virtio_balloon/virtio*; do [ ! -e $d ] || { d=${d##*/}; for i in 1 2 3; do echo $d >/sys/bus/virtio/drivers/virtio_balloon/unbind; echo $d >/sys/bus/virtio/drivers/virtio_balloon/bind; done; }; done",
		"yes labmark | head -c 2000000 >/dev/kmsg",
		"for r in /sys/bus/pci/devices/*/rom; do [ ! -e $r ] || { echo 1 >$r; head -c 100000 $r >/dev/null; }; done",
		"[ ! -e /dev/port ] || head -c 1024 /dev/port >/dev/null",
	} {
		_, _, _, _ = p.try(client, "("+abuse+") 2>/dev/null", "") // what matters is who lives on
	}
	if got := p.run(p.neighbour.connect("root"), "echo lives"); got != "lives" {
		p.Errorf("the neighbour says %q", got)
	}
	p.prisoner.expect(vmbackend.Running)
}

// misbehaveOnLine writes to the agent's own line what no agent would. The
// link may break; it comes back, and the neighbour's never does.
func misbehaveOnLine(p *prison) {
	neighbour := p.neighbour.connect("root")
	client := p.prisoner.connect("root")
	out, errs, status, err := p.try(client, "[ -c "+p.Line+" ] && setsid sh -c '/root/probe line "+p.Line+" >/root/said 2>&1; echo $? >>/root/said' </dev/null >/dev/null 2>&1 & echo begun", "")
	if err != nil || status != 0 || strings.TrimSpace(out) != "begun" {
		p.Fatalf("start the probe: %q, %s, status %d, %v", out, errs, status, err)
	}
	p.eventually("the guest can be entered after its root wrote to the line", func() bool {
		conn, err := p.tryConnect(p.prisoner)
		if err != nil {
			return false
		}
		defer conn.Close()
		said, _, status, err := p.try(conn, "cat /root/said", "")
		said = strings.TrimSpace(said)
		if err == nil && status == 0 && said != "" {
			p.Logf("the probe ended with %q", said)
			return true
		}
		return false
	})
	if _, _, status, err := p.try(neighbour, "true", ""); status != 0 || err != nil {
		p.Errorf("the neighbour's connection broke: status %d, %v", status, err)
	}
}

// tryConnect logs in, or says why that failed.
func (p *prison) tryConnect(m *machine) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(p.ctx, 20*time.Second)
	defer cancel()
	return guestssh.Connect(ctx, p.b, m.id, "root", m.host, p.key)
}
