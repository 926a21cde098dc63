package libvirt

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

var (
	_ vmbackend.Host        = (*Backend)(nil)
	_ vmbackend.ImageHolder = (*Backend)(nil)
	_ vmbackend.Preparer    = (*Backend)(nil)
)

// examinePatience bounds a whole examination; the node may have to ask its
// QEMUs first what they can do.
const examinePatience = time.Minute

// findings are collected in the order in which an administrator mends them.
type findings []vmbackend.Finding

func (f *findings) good(subject, format string, args ...any) {
	*f = append(*f, vmbackend.Finding{Subject: subject, Level: vmbackend.Good, Text: fmt.Sprintf(format, args...)})
}

func (f *findings) add(level vmbackend.Level, subject, text, mend string) {
	*f = append(*f, vmbackend.Finding{Subject: subject, Level: level, Text: text, Mend: mend})
}

// Examine looks for all that guests need on the node.
func (b *Backend) Examine(ctx context.Context) []vmbackend.Finding {
	ctx, cancel := context.WithTimeout(ctx, examinePatience)
	defer cancel()
	var f findings
	b.unlearn() // what was learnt before says nothing of the node as it is now
	facts, err := b.facts(ctx)
	if errors.Is(err, vmbackend.ErrUnreachable) {
		f.add(vmbackend.Bad, "connection", err.Error(), "see that the node is on, that libvirtd runs there, and that the way to it is open")
		return f
	}
	f.good("connection", "libvirtd answers")
	if err != nil {
		f.add(vmbackend.Bad, "libvirt", err.Error(), "on the node: apt-get install libvirt-daemon qemu-system-x86 qemu-utils")
		return f
	}
	f.versions(facts)
	f.processor(facts, b.look(ctx))
	b.examineDisk(ctx, &f)
	b.examineMemory(ctx, &f)
	f.shell(b.look(ctx))
	return f
}

func (f *findings) versions(n facts) {
	const oldest = 7 // the first QEMU that was tried
	major, _, _ := strings.Cut(n.qemu, ".")
	if number, _ := strconv.Atoi(major); number < oldest {
		f.add(vmbackend.Fair, "QEMU", "version "+n.qemu+" is older than any that was tried", "install Debian 12 or newer on the node")
	} else {
		f.good("QEMU", "version %s, libvirt %s", n.qemu, n.libvirt)
	}
	f.good("architectures", "guests may be %s", strings.Join(n.archs, ", "))
	if n.limits {
		f.good("limits", "guests get less processor time than all else on the node")
	} else {
		f.add(vmbackend.Fair, "limits", "guests take as much processor time as all else on the node",
			"for that the node must be qemu+ssh://…/system with the control group for cpu; a session's libvirtd has none")
	}
}

func (f *findings) processor(n facts, l outlook) {
	switch {
	case n.kvm:
		f.good("KVM", "guests run on the processor itself")
	case l.shell && !l.has("kvm"):
		f.add(vmbackend.Fair, "KVM", "there is no /dev/kvm, so guests are emulated: some ten times slower",
			"switch virtualisation on in the firmware, or nested virtualisation where the node itself is a guest; then: modprobe kvm-intel or kvm-amd")
	case l.shell && !l.has("kvm-rights"):
		f.add(vmbackend.Fair, "KVM", "/dev/kvm is there, but libvirtd's user may not use it, so guests are emulated",
			"on the node: adduser USER kvm, then start libvirtd anew")
	default:
		f.add(vmbackend.Fair, "KVM", "libvirt offers none, so guests are emulated: some ten times slower",
			"look at what virt-host-validate qemu says on the node")
	}
}

const (
	wantedDisk   = 5 << 30
	wantedMemory = 1 << 30
)

func (b *Backend) examineDisk(ctx context.Context, f *findings) {
	mend := "choose a folder that libvirtd's user may write to, on a file system with room"
	const probe = "probe.tmp"
	err := b.pool.Put(ctx, probe, []byte("Labmark was here"))
	if err == nil {
		err = b.pool.Delete(ctx, probe)
	}
	if err != nil {
		f.add(vmbackend.Bad, "pool", err.Error(), mend)
		return
	}
	free, err := b.diskFree(ctx)
	switch {
	case err != nil:
		f.add(vmbackend.Fair, "pool", err.Error(), mend)
	case free < wantedDisk:
		f.add(vmbackend.Fair, "pool", fmt.Sprintf("%s has only %d MB left", b.pool.Dir(), free>>20), mend)
	default:
		f.good("pool", "%s can be written to and has %d GB left", b.pool.Dir(), free>>30)
	}
}

func (b *Backend) examineMemory(ctx context.Context, f *findings) {
	var h vmbackend.HostStats
	switch err := b.measureMemory(ctx, &h); {
	case err != nil:
		f.add(vmbackend.Fair, "memory", err.Error(), "")
	case h.MemoryFree < wantedMemory:
		f.add(vmbackend.Fair, "memory", fmt.Sprintf("only %d of %d MB are free", h.MemoryFree>>20, h.Memory>>20), "end what else runs on the node, or drain it")
	default:
		f.good("memory", "%d of %d MB are free", h.MemoryFree>>20, h.Memory>>20)
	}
}

// outlook is what the node's shell sees.
type outlook struct {
	shell bool
	words string
}

func (l outlook) has(word string) bool { return strings.Contains(" "+l.words+" ", " "+word+" ") }

const lookScript = `
[ -e /dev/kvm ] && echo kvm
[ -w /dev/kvm ] && echo kvm-rights
[ "$(cat /sys/kernel/mm/ksm/run 2>/dev/null)" = 1 ] && echo ksm
grep -q '^Seccomp' /proc/self/status && echo seccomp
echo time=$(date +%s)`

func (b *Backend) look(ctx context.Context) outlook {
	out, err := b.conn.Command(ctx, nil, lookScript)
	return outlook{shell: err == nil, words: strings.Join(strings.Fields(string(out)), " ")}
}

// skew is how far the node's clock may be from ours.
const skew = 30 * time.Second

func (f *findings) shell(l outlook) {
	if !l.shell {
		f.add(vmbackend.Fair, "way", "there is no shell on the node, as with TLS: guests are reached through libvirtd, clones need a copy each, and there are no desktops",
			"use qemu+ssh:// if that matters")
		return
	}
	f.good("way", "guests' sockets are reached directly")
	if l.has("seccomp") {
		f.good("sandbox", "the kernel can keep QEMU from system calls that it does not need")
	} else {
		f.add(vmbackend.Bad, "sandbox", "the kernel has no seccomp, so QEMU's sandbox does not work", "use Debian's kernel on the node")
	}
	if l.has("ksm") {
		f.good("KSM", "equal pages of guests are kept once")
	} else {
		f.add(vmbackend.Fair, "KSM", "equal pages of guests are kept for each of them",
			"on the node: echo 1 >/sys/kernel/mm/ksm/run; it saves about half of the memory, and costs some processor time")
	}
	for _, word := range strings.Fields(l.words) {
		seconds, found := strings.CutPrefix(word, "time=")
		if n, err := strconv.ParseInt(seconds, 10, 64); found && err == nil {
			if off := time.Since(time.Unix(n, 0)).Abs(); off > skew {
				f.add(vmbackend.Fair, "clock", fmt.Sprintf("the node's clock differs from the gateway's by %s", off.Round(time.Second)),
					"on both: apt-get install systemd-timesyncd")
			}
		}
	}
}
