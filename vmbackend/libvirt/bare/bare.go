// Package bare runs QEMU guests as one would by hand: a child process with a
// monitor, without libvirt or stored state. It is what package libvirt is
// measured against, and fit for nothing else.
package bare

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/labmark/labmark/vmbackend/guestlink"
	"github.com/labmark/labmark/vmbackend/image"
)

// Config is what guests are made of.
type Config struct {
	Machine image.Machine
	// Base is the image as a qcow2 file.
	Base string
	// Dir takes disks, sockets and the saved machine. Its path must be short.
	Dir    string
	Memory int64 // bytes
	// KVM runs guests on the processor itself.
	KVM bool
}

// Guest is a running guest.
type Guest struct {
	cmd        *exec.Cmd
	complaints *bytes.Buffer
	monitor    *monitor
	link       *guestlink.Host
	dir        string
}

const (
	portWindow = 256 << 10 // bytes that a virtio port may be ahead of the guest
	pause      = 2 * time.Millisecond
)

// Boot starts a guest from the image, cold, and returns when its SSH server
// can be dialled.
func Boot(ctx context.Context, cfg Config, p guestlink.Personal) (*Guest, error) {
	g, err := start(ctx, cfg, cfg.Base)
	if err != nil {
		return nil, err
	}
	return g, g.enter(ctx, p, false)
}

// start makes a disk over the base and starts QEMU with it.
func start(ctx context.Context, cfg Config, base string, extra ...string) (*Guest, error) {
	dir, err := os.MkdirTemp(cfg.Dir, "g")
	if err != nil {
		return nil, err
	}
	disk := filepath.Join(dir, "disk")
	if out, err := exec.CommandContext(ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, disk).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("qemu-img: %w: %s", err, out)
	}
	args := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-M", "q35", "-smp", "1",
		"-m", "size=" + strconv.FormatInt(cfg.Memory>>10, 10) + "k",
		"-kernel", cfg.Machine.Kernel, "-initrd", cfg.Machine.Initrd, "-append", cfg.Machine.KernelArgs,
		"-blockdev", "qcow2,node-name=disk,file.driver=file,file.filename=" + disk + ",discard=unmap",
		"-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
		"-chardev", "socket,id=agent,server=on,wait=off,path=" + filepath.Join(dir, "agent"),
		"-device", "virtserialport,chardev=agent,name=" + image.AgentPort,
		"-qmp", "unix:" + filepath.Join(dir, "qmp") + ",server=on,wait=off",
	}
	if cfg.KVM {
		args = append(args, "-accel", "kvm", "-cpu", "host")
	} else {
		args = append(args, "-accel", "tcg,tb-size=32", "-cpu", "max")
	}
	g := &Guest{complaints: &bytes.Buffer{}, dir: dir}
	g.cmd = exec.Command("qemu-system-"+cfg.Machine.Arch, append(args, extra...)...)
	g.cmd.Stderr = g.complaints
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := g.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start QEMU: %w", err)
	}
	conn, err := g.dial(ctx, "qmp")
	if err == nil {
		g.monitor, err = newMonitor(ctx, conn)
	}
	if err != nil {
		g.Kill()
		return nil, fmt.Errorf("QEMU: %w\n%s", err, g.complaints)
	}
	return g, nil
}

// dial opens one of QEMU's sockets, as soon as it is there.
func (g *Guest) dial(ctx context.Context, name string) (net.Conn, error) {
	for {
		conn, err := net.Dial("unix", filepath.Join(g.dir, name))
		if err == nil {
			return conn, nil
		}
		if err := rest(ctx); err != nil {
			return nil, err
		}
	}
}

func rest(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(pause):
		return nil
	}
}

// enter makes the guest personal. A guest that was restored is awake already.
func (g *Guest) enter(ctx context.Context, p guestlink.Personal, awake bool) error {
	conn, err := g.dial(ctx, "agent")
	if err != nil {
		return err
	}
	p.Time, p.Entropy = time.Now(), make([]byte, 64)
	_, _ = rand.Read(p.Entropy) // never fails, see crypto/rand
	if g.link, err = guestlink.Connect(ctx, conn, p, guestlink.Options{Window: portWindow, Awake: awake}); err != nil {
		g.Kill()
	}
	return err
}

// Template is a machine that was booted once and saved.
type Template struct {
	cfg         Config
	disk, saved string
}

// Save boots a guest, waits until its agent is there, saves it and ends it.
func Save(ctx context.Context, cfg Config) (*Template, error) {
	g, err := start(ctx, cfg, cfg.Base)
	if err != nil {
		return nil, err
	}
	defer g.Kill()
	conn, err := g.dial(ctx, "agent")
	if err != nil {
		return nil, err
	}
	if err := guestlink.AwaitHello(ctx, conn); err != nil {
		return nil, err
	}
	_ = conn.Close()
	t := &Template{cfg: cfg, disk: filepath.Join(g.dir, "disk"), saved: filepath.Join(cfg.Dir, "saved")}
	return t, errors.Join(g.monitor.do(ctx, "stop", nil, nil), g.monitor.save(ctx, t.saved), g.monitor.do(ctx, "quit", nil, nil))
}

// Restore starts a copy of the saved machine over a disk of its own, and makes
// it personal.
func (t *Template) Restore(ctx context.Context, p guestlink.Personal) (*Guest, error) {
	g, err := start(ctx, t.cfg, t.disk, "-incoming", "exec:cat "+t.saved)
	if err != nil {
		return nil, err
	}
	if err := g.monitor.awaitRestored(ctx); err != nil {
		g.Kill()
		return nil, fmt.Errorf("restore: %w\n%s", err, g.complaints)
	}
	return g, g.enter(ctx, p, true)
}

// Dial opens a stream to the guest's SSH server. The name is ignored.
func (g *Guest) Dial(ctx context.Context, _ string) (net.Conn, error) { return g.link.Open(ctx) }

// Pid is QEMU's process.
func (g *Guest) Pid() int { return g.cmd.Process.Pid }

// Kill ends the guest. Its files stay until Config.Dir goes.
func (g *Guest) Kill() {
	if g.link != nil {
		_ = g.link.Close()
	}
	_ = g.cmd.Process.Kill() // it may have ended
	_ = g.cmd.Wait()
}
