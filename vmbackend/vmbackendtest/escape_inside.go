package vmbackendtest

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend/guestssh"
)

// mountForeign tries the file systems by which hosts lend folders to guests.
func mountForeign(p *prison) {
	client := p.prisoner.connect("root")
	for _, mount := range []string{
		"-t 9p -o trans=virtio,version=9p2000.L share", "-t 9p -o trans=unix /run/x", "-t virtiofs share", "-t vboxsf share",
		"-t prl_fs share", "-t nfs -o nolock 10.0.2.1:/", "-t cifs //10.0.2.1/share", "-t ceph 10.0.2.1:/",
	} {
		if out, _, status, err := p.try(client, "mkdir -p /tmp/foreign && mount "+mount+" /tmp/foreign && ls /tmp/foreign", ""); status == 0 && err == nil {
			p.Errorf("mount %s shows %q", mount, out)
		}
	}
	if out := p.run(client, "ls /sys/class/virtio-ports 2>/dev/null | while read port; do cat /sys/class/virtio-ports/$port/name; done; true"); !sameWords(out, p.Ports) {
		p.Errorf("the guest has the ports %q, meant are %q", strings.Fields(out), p.Ports)
	}
	if out := p.run(client, "ls /sys/bus/virtio/drivers 2>/dev/null; cat /proc/filesystems"); strings.Contains(out, "vsock") {
		p.Errorf("the guest has sockets to the host: %s", out)
	}
}

func sameWords(text string, want []string) bool {
	got := strings.Fields(text)
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	return slices.Equal(got, want)
}

// findSecrets reads all that the machine tells its guest, and all its disks.
func findSecrets(p *prison) {
	client := p.prisoner.connect("root")
	host, err := os.Hostname()
	if err != nil {
		p.Fatal(err)
	}
	keyBody := strings.Split(string(p.neighbour.spec.HostKey), "\n")[2]
	told := p.run(client, `cat /proc/cmdline; tr '\0' '\n' </proc/1/environ; tr '\0' ' ' </proc/1/cmdline
		find /sys/firmware /sys/class/dmi/id/ /sys/hypervisor -type f 2>/dev/null | while read f; do echo "$f:"; head -c 300000 "$f" 2>/dev/null; done; true`)
	for what, word := range map[string]string{
		"a private key": "PRIVATE KEY", "the neighbour's key": keyBody, "the neighbour's name": p.neighbour.id,
		"the neighbour's secret": p.secret, "the gateway's folder": p.dir, "the host's name": host, "a password": "password=",
	} {
		if len(word) > 3 && strings.Contains(told, word) {
			p.Errorf("the machine tells its guest %s, %q", what, word)
		}
	}
	search := func(m *machine, words string) report {
		out, errs, status, err := p.try(m.connect("root"), "/root/probe search /root/disk", words)
		if err != nil || status != 0 {
			p.Fatalf("search the disks: status %d, %v, %s", status, err, errs)
		}
		return p.report(out)
	}
	for _, h := range search(p.prisoner, p.secret+"\n"+keyBody+"\n").Heard {
		p.Errorf("on the guest's disks is what is the neighbour's: %s", h)
	}
	if r := search(p.neighbour, p.secret+"\n"); len(r.Heard) == 0 {
		p.Errorf("the neighbour does not find its own secret on its disks %q, so the search is worth nothing", r.Interfaces)
	}
	// Nor does the neighbour's door open to who has root here.
	own, err := ssh.ParsePrivateKey(p.prisoner.spec.HostKey)
	if err != nil {
		p.Fatal(err)
	}
	if c, err := guestssh.Connect(p.ctx, p.b, p.neighbour.id, "root", p.neighbour.host, own); err == nil {
		_ = c.Close()
		p.Error("the prisoner's key lets into the neighbour")
	}
}

// sameIdentity compares what must differ between guests of one image, though
// they may be copies of one machine that ran. The firmware's UUID is not among
// it: copies have that of the machine that was saved, and it is no secret.
func sameIdentity(p *prison) {
	for _, what := range []string{
		"cat /proc/sys/kernel/random/boot_id", "cat /proc/sys/kernel/random/uuid", "head -c 16 /dev/urandom | md5sum",
		"cat /etc/machine-id", "cat /var/lib/dbus/machine-id", "cat /var/lib/systemd/random-seed | md5sum",
		"cat /etc/ssh/ssh_host_*_key", "hostname",
	} {
		a, _, status, err := p.try(p.prisoner.connect("root"), "set -o pipefail; "+what, "")
		b, _, _, err2 := p.try(p.neighbour.connect("root"), "set -o pipefail; "+what, "")
		if err != nil || err2 != nil {
			p.Errorf("%s: %v, %v", what, err, err2)
		}
		if status == 0 && strings.TrimSpace(a) != "" && a == b {
			p.Errorf("%s: both guests say %q", what, a)
		}
	}
}
