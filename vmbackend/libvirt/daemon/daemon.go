// Package daemon runs a private libvirtd that needs neither root nor systemd.
//
// It is libvirt's session mode under an ordinary user, with all that it knows
// in one folder. The guests' QEMU processes are no children of it: a libvirtd
// that is killed leaves them running, and the next one takes them over. So
// does a new gateway with a libvirtd that an earlier one has left.
package daemon

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Options say what to run.
type Options struct {
	// Dir holds all that belongs to the daemon. It must be short, see maxDir.
	Dir string
	// User runs it; empty takes "labmark" when we are root, else ourselves.
	User string
	// Listen makes it reachable from other machines; nil for the socket only.
	Listen *TLS
	// NetNS is the file of a network namespace to run in; empty for our own.
	NetNS string
	Log   *slog.Logger
}

// TLS is what a daemon needs to listen to other machines. All of CA, Cert and
// Key are PEM. Whoever has a client certificate of CA may do everything.
type TLS struct {
	Address       string // to listen on, such as "0.0.0.0"
	Port          int    // 0 takes libvirt's 16514
	CA, Cert, Key []byte
}

// maxDir bounds len(Options.Dir): QEMU's monitor socket lies about 67 bytes
// below it, and the path of a unix socket may have 107.
const maxDir = 40

// startPatience is how long a fresh libvirtd may take to make its socket.
const startPatience = time.Minute

// Daemon is one libvirtd. It runs on when Labmark ends, until Stop.
type Daemon struct {
	o   Options
	who account

	mu      sync.Mutex // one start or stop at a time
	stopped bool
}

// Start sets up the folder and returns when libvirtd takes connections. One
// that lives already is taken over, and started anew if its settings changed.
func Start(ctx context.Context, o Options) (*Daemon, error) {
	if len(o.Dir) > maxDir {
		return nil, fmt.Errorf("libvirtd: the folder %s has a name of %d bytes; sockets below it would get names "+
			"that are too long for Linux: choose one of at most %d bytes", o.Dir, len(o.Dir), maxDir)
	}
	if !filepath.IsAbs(o.Dir) {
		return nil, fmt.Errorf("libvirtd: the folder %s is no absolute path", o.Dir)
	}
	if _, err := exec.LookPath("libvirtd"); err != nil {
		return nil, errors.New("libvirtd is not installed: apt-get install --no-install-recommends " +
			"libvirt-daemon libvirt-clients qemu-system-x86 qemu-utils")
	}
	who, err := lookUp(o.User)
	if err != nil {
		return nil, err
	}
	d := &Daemon{o: o, who: who}
	changed, err := d.setUp()
	if err != nil {
		return nil, fmt.Errorf("libvirtd: %w", err)
	}
	if changed {
		if err := d.end(ctx); err != nil {
			return nil, err
		}
	}
	if err := d.ensure(ctx); err != nil {
		return nil, err
	}
	return d, d.ready(ctx, nil)
}

// Socket is the path of libvirtd's unix socket.
func (d *Daemon) Socket() string { return filepath.Join(d.o.Dir, "r", "libvirt", "libvirt-sock") }

// URI is what wire.Endpoint takes to reach it on this machine.
func (d *Daemon) URI() string { return "qemu:///session?socket=" + d.Socket() }

// Uid and Gid own the files of the daemon and run its guests.
func (d *Daemon) Uid() int { return int(d.who.uid) }
func (d *Daemon) Gid() int { return int(d.who.gid) }

// Pid is the process of the living libvirtd, 0 if there is none.
func (d *Daemon) Pid() int { return holder(d.pidFile()) }

// KeeperPid is the process that starts libvirtd anew, 0 if there is none.
func (d *Daemon) KeeperPid() int { return holder(d.keeperFile()) }

func (d *Daemon) pidFile() string    { return filepath.Join(d.o.Dir, "libvirtd.pid") }
func (d *Daemon) keeperFile() string { return filepath.Join(d.o.Dir, "keeper.lock") }

// Keep looks twice a second, until ctx ends or Stop is called, whether libvirtd
// and its keeper are both dead, and starts them anew if so.
func (d *Daemon) Keep(ctx context.Context) {
	pause := time.Second / 2
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		err := d.ensure(ctx)
		switch {
		case errors.Is(err, errStopped) || ctx.Err() != nil:
			return
		case err != nil:
			d.o.Log.Error("the private libvirtd does not start", "err", err)
			pause = min(2*pause, 30*time.Second)
		default:
			pause = time.Second / 2
		}
	}
}

var errStopped = errors.New("libvirtd was stopped on purpose")

// ensure starts libvirtd, unless it or its keeper lives.
func (d *Daemon) ensure(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return errStopped
	}
	if d.Pid() != 0 || d.KeeperPid() != 0 {
		return nil
	}
	return d.spawn(ctx)
}

// Stop ends libvirtd, not its guests.
func (d *Daemon) Stop(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	return d.end(ctx)
}

// end asks libvirtd and its keeper to go, and makes them go when they have not
// after ten seconds.
func (d *Daemon) end(ctx context.Context) error {
	begun := time.Now()
	for sig := syscall.SIGTERM; ; {
		keeper, libvirtd := d.KeeperPid(), d.Pid()
		if keeper == 0 && libvirtd == 0 {
			return nil
		}
		if time.Since(begun) > 10*time.Second {
			sig = syscall.SIGKILL
		}
		if keeper != 0 {
			_ = syscall.Kill(keeper, sig)
		}
		if libvirtd != 0 && (keeper == 0 || sig == syscall.SIGKILL) {
			_ = syscall.Kill(libvirtd, sig)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("ending libvirtd, process %d: %w", libvirtd, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// answers says whether somebody answers on the socket. It is there before
// libvirtd has looked at all its settings, so only an answer counts: that to
// the ping of libvirt's own protocol (src/rpc/virkeepaliveprotocol.x), a packet
// of seven words: size, program, version, procedure, kind, serial, status.
func (d *Daemon) answers(ctx context.Context) bool {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", d.Socket())
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	var packet []byte
	for _, word := range []uint32{28, 0x6b656570, 1, 1, 2, 0, 0} {
		packet = binary.BigEndian.AppendUint32(packet, word)
	}
	if _, err := conn.Write(packet); err != nil {
		return false
	}
	_, err = io.ReadFull(conn, packet)
	return err == nil
}
