package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/labmark/labmark/vmbackend/guestlink"
)

// memoryLimit is what the agent tries to get by with, in bytes.
const memoryLimit = 24 << 20

// linkPause lies between two tries to open the serial line.
const linkPause = 500 * time.Millisecond

// Init boots the guest and is its first process from then on. It never
// returns: a guest that cannot run is powered off, with the reason on its
// console.
func Init() {
	debug.SetGCPercent(50)
	debug.SetMemoryLimit(memoryLimit)
	signals := catchSignals()
	if err := runInit(signals); err != nil {
		logf("cannot go on: %v", err)
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {} // process 1 must not end
}

// logf writes to the guest's console.
func logf(format string, args ...any) {
	_, _ = fmt.Fprintf(os.Stderr, "labmark-agent: "+format+"\n", args...)
}

// catchSignals takes every signal there is: what is caught does not kill, and
// the end of process 1 would be the end of the guest.
func catchSignals() <-chan os.Signal {
	ch := make(chan os.Signal, 16)
	var all []os.Signal
	for n := syscall.Signal(1); n < 65; n++ {
		// The Go runtime sends itself SIGURG all the time.
		if n != syscall.SIGKILL && n != syscall.SIGSTOP && n != syscall.SIGCHLD && n != syscall.SIGURG {
			all = append(all, n)
		}
	}
	signal.Notify(ch, all...)
	return ch
}

func runInit(signals <-chan os.Signal) error {
	options, err := enterRoot(logf)
	if err != nil {
		return err
	}
	a, err := New(true)
	if err != nil {
		return err
	}
	a.toolbox.packed = options.toolbox
	go a.procs.reapForever()
	prepareMachine(a, options)
	guest := &guest{Agent: a}
	guest.mirror = mirror{open: guest.openToHost, address: mirrorAddress, root: "/"}
	power := powerRequests(signals)
	go guest.serveLine(options.link)
	how := <-power
	guest.shutDown(how)
	return nil
}

// prepareMachine does what a guest can also live without.
func prepareMachine(a *Agent, o bootOptions) {
	if o.pids == 0 {
		o.pids = defaultPids()
	}
	var err error
	if a.student, err = newControlGroup("/sys/fs/cgroup", o.pids); err != nil {
		logf("students' processes are not limited: %v", err)
	}
	makeDeviceLinks()
	linkPowerCommands()
	if err := procpsCompletes(); err != nil {
		logf("ps may not work: %v", err)
	}
	if err := loopbackUp(); err != nil {
		logf("no loopback: %v", err)
	}
	if name := firstWord("/etc/hostname"); name != "" {
		_ = unix.Sethostname([]byte(name))
	}
	// Ctrl-Alt-Del becomes a SIGINT to process 1.
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF)
}

func makeDeviceLinks() {
	for name, target := range map[string]string{
		"/dev/fd": "/proc/self/fd", "/dev/stdin": "/proc/self/fd/0",
		"/dev/stdout": "/proc/self/fd/1", "/dev/stderr": "/proc/self/fd/2",
	} {
		_ = os.Symlink(target, name)
	}
}

// guest is the agent as process 1, with its line to the host.
type guest struct {
	*Agent
	identity identity
	link     linkHolder
	mirror   mirror
	startup  startup
}

// serveLine serves hosts for ever, whatever happens to the line.
func (g *guest) serveLine(device string) {
	port := -1
	for {
		line, err := awaitLine(device, &port)
		if err == nil {
			link := guestlink.NewGuest(line, g)
			g.link.set(link)
			err = link.Serve(context.Background())
		}
		if port >= 0 && errors.Is(err, io.EOF) {
			continue // the host went; the next one is waited for
		}
		logf("the line to the host: %v", err)
		time.Sleep(linkPause)
	}
}

// Personalise makes the guest personal, see guestlink.Personal.
func (g *guest) Personalise(_ context.Context, p guestlink.Personal) error {
	if err := g.SetKeys(p.HostKey, p.AuthorizedKey); err != nil {
		return err
	}
	another, err := g.identity.take(p)
	if err != nil {
		return err
	}
	if another {
		g.endTerminals()
	}
	g.mirror.set(p.Streams)
	g.startup.run(g.Agent)
	return nil
}
