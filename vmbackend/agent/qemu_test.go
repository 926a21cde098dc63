package agent_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend/guestlink"
	"github.com/labmark/labmark/vmbackend/guestssh"
	"github.com/labmark/labmark/vmbackend/image"
)

// portWindow is what a virtio port may be ahead of the guest, in bytes.
const portWindow = 256 << 10

// qemu is a guest under QEMU, without libvirt: a test's own.
type qemu struct {
	machine  image.Machine
	disk     string
	dir      string
	console  string // file
	host     *guestlink.Host
	personal guestlink.Personal
	key      ssh.Signer
	hostKey  ssh.PublicKey
	ended    chan struct{}
	pid      int
}

// Dial makes a guest a guestssh.Dialer.
func (q *qemu) Dial(ctx context.Context, _ string) (net.Conn, error) { return q.host.Open(ctx) }

// virtio are the machine type and the devices of a guest by its architecture.
var virtio = map[string]struct {
	machine []string
	bus     string
}{
	"x86_64":  {[]string{"-M", "q35", "-cpu", "max", "-serial", "chardev:console"}, "pci"},
	"aarch64": {[]string{"-M", "virt", "-cpu", "cortex-a57", "-serial", "chardev:console"}, "pci"},
	"s390x":   {[]string{"-M", "s390-ccw-virtio", "-cpu", "max", "-device", "sclpconsole,chardev=console"}, "ccw"},
}

// builtin returns a built-in image, built if it is not there yet.
func builtin(tb testing.TB, name string) (*image.Store, image.Image) {
	tb.Helper()
	recipe, err := image.Builtin(name)
	if err != nil {
		tb.Fatal(err)
	}
	return ensure(tb, recipe)
}

func ensure(tb testing.TB, recipe *image.Recipe) (*image.Store, image.Image) {
	tb.Helper()
	store, err := image.Open(os.Getenv("LABMARK_TEST_IMAGE_DIR"))
	if err != nil {
		tb.Fatal(err)
	}
	built, err := image.Ensure(tb.Context(), recipe, store, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return store, built
}

// bootQEMU boots an image and enters it. Extra arguments are QEMU's.
func bootQEMU(tb testing.TB, store *image.Store, i image.Image, extra ...string) *qemu {
	tb.Helper()
	q := newQEMU(tb, store, i)
	q.start(tb, extra...)
	q.personalise(tb)
	q.rejoin(tb, guestlink.Options{Window: portWindow})
	return q
}

// newQEMU makes a guest of an image, not yet started.
func newQEMU(tb testing.TB, store *image.Store, i image.Image) *qemu {
	tb.Helper()
	m, err := store.Machine(tb.Context(), i)
	if err != nil {
		tb.Fatal(err)
	}
	base, _, _, err := store.Disk(tb.Context(), i)
	if err != nil {
		tb.Fatal(err)
	}
	return overlay(tb, m, base)
}

// overlay makes a guest whose disk is a set of changes to base.
func overlay(tb testing.TB, m image.Machine, base string) *qemu {
	tb.Helper()
	dir, err := os.MkdirTemp("", "lm") // short: it holds sockets
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	q := &qemu{machine: m, dir: dir, console: filepath.Join(dir, "console"), disk: filepath.Join(dir, "disk.qcow2")}
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, q.disk).CombinedOutput(); err != nil {
		tb.Fatalf("qemu-img: %v\n%s", err, out)
	}
	return q
}

func (q *qemu) start(tb testing.TB, extra ...string) {
	tb.Helper()
	m := q.machine
	v := virtio[m.Arch]
	device := func(kind, rest string) string { return "virtio-" + kind + "-" + v.bus + rest }
	args := append([]string{
		"-nodefaults", "-no-user-config", "-display", "none", "-m", "96", "-smp", "1",
		"-chardev", "file,id=console,path=" + q.console, "-monitor", "unix:" + q.dir + "/monitor,server=on,wait=off",
		"-drive", "if=none,id=disk,file=" + q.disk, "-device", device("blk", ",drive=disk"),
		"-device", device("serial", ",id=ports"), "-device", device("rng", ""),
		"-chardev", "socket,id=agent,server=on,wait=off,path=" + q.socket(),
		"-device", "virtserialport,bus=ports.0,chardev=agent,name=" + image.AgentPort,
		"-accel", "tcg,tb-size=32",
	}, v.machine...)
	if m.Kernel != "" {
		args = append(args, "-kernel", m.Kernel, "-initrd", m.Initrd, "-append", m.KernelArgs)
	}
	if m.Seed != "" {
		args = append(args, "-drive", "if=none,id=seed,format=raw,readonly=on,file="+m.Seed, "-device", device("blk", ",drive=seed"))
	}
	cmd := exec.Command("qemu-system-"+m.Arch, append(args, extra...)...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	q.pid, q.ended = cmd.Process.Pid, make(chan struct{})
	ended := q.ended
	go func() { _ = cmd.Wait(); close(ended) }()
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if tb.Failed() {
			text, _ := os.ReadFile(q.console)
			tb.Logf("QEMU: %s\nconsole:\n%s", &complaints, text)
		}
	})
}

func (q *qemu) socket() string { return filepath.Join(q.dir, "agent") }

// tell gives QEMU's monitor a command and returns what it says when it is done.
func (q *qemu) tell(tb testing.TB, command string) (said string) {
	tb.Helper()
	conn, err := net.Dial("unix", filepath.Join(q.dir, "monitor"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	const prompt = "(qemu) "
	r := bufio.NewReader(conn)
	for _, line := range []string{command, ""} {
		for said = ""; !strings.HasSuffix(said, prompt); {
			b, err := r.ReadByte()
			if err != nil && command == "quit" {
				return said
			}
			if err != nil {
				tb.Fatalf("QEMU's monitor, %s: %v after %q", command, err, said)
			}
			said += string(b)
		}
		_, _ = fmt.Fprintln(conn, line)
	}
	return said
}

// connect opens the guest's port, as soon as QEMU offers it.
func (q *qemu) connect(tb testing.TB) net.Conn {
	tb.Helper()
	var conn net.Conn
	eventually(tb, "QEMU listens at "+q.socket(), func() bool {
		var err error
		conn, err = net.Dial("unix", q.socket())
		return err == nil
	})
	return conn
}

// rejoin gives the guest a new host, in place of one that there may be.
func (q *qemu) rejoin(tb testing.TB, o guestlink.Options) {
	tb.Helper()
	if q.host != nil {
		_ = q.host.Close()
	}
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	host, err := guestlink.Connect(ctx, q.connect(tb), q.personal, o)
	if err != nil {
		tb.Fatal(err)
	}
	q.host = host
	tb.Cleanup(func() { _ = host.Close() })
}

func (q *qemu) personalise(tb testing.TB) {
	tb.Helper()
	m := &machine{}
	m.personalise(tb)
	q.personal, q.key, q.hostKey = m.personal, m.key, m.hostKey
}

func (q *qemu) login(tb testing.TB, user string) *ssh.Client {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	c, err := guestssh.Connect(ctx, q, "test", user, q.hostKey, q.key)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c
}
