package agent

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// termPause is how long programs have to end by themselves.
const termPause = 1500 * time.Millisecond

// byePause bounds how long the host is told goodbye: it may not listen.
const byePause = 200 * time.Millisecond

// powerSignals are what process 1 takes as requests; the same as busybox's
// init, with Ctrl-Alt-Del as SIGINT.
var powerSignals = map[os.Signal]string{
	syscall.SIGUSR1: "poweroff", syscall.SIGUSR2: "poweroff",
	syscall.SIGTERM: "reboot", syscall.SIGINT: "reboot",
}

// powerRequests picks the first request out of signals.
func powerRequests(signals <-chan os.Signal) <-chan string {
	requests := make(chan string, 1)
	go func() {
		for sig := range signals {
			if how, ok := powerSignals[sig]; ok {
				select {
				case requests <- how:
				default:
				}
			}
		}
	}()
	return requests
}

// powerCommands are the names under which the agent asks process 1 to end.
var powerCommands = []string{"poweroff", "halt", "shutdown", "reboot"}

// linkPowerCommands gives the student the usual commands, where the image has
// none. The link works although the agent lies in no file system that is
// mounted, because /proc/1/exe does not go by a path.
func linkPowerCommands() {
	for _, name := range powerCommands {
		path := "/usr/sbin/" + name
		if _, err := os.Lstat(path); os.IsNotExist(err) {
			_ = os.Symlink("/proc/1/exe", path)
		}
	}
}

// PowerCommand does what the command args[0] asks for if it is one of
// poweroff, halt, shutdown and reboot; otherwise ok is false.
func PowerCommand(args []string) (status int, ok bool) {
	name := filepath.Base(args[0])
	sig := syscall.SIGUSR2
	switch name {
	case "poweroff", "halt":
	case "reboot":
		sig = syscall.SIGTERM
	case "shutdown":
		for _, arg := range args[1:] {
			if arg == "-c" || arg == "--help" {
				fmt.Fprintln(os.Stderr, "usage: shutdown [-h|-P|-r] now (there is no way to plan one, or to take it back)")
				return 1, true
			}
			if arg == "-r" || arg == "--reboot" {
				sig = syscall.SIGTERM
			}
		}
	default:
		return 0, false
	}
	if err := syscall.Kill(1, sig); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v (try sudo %s)\n", name, err, strings.Join(args, " "))
		return 1, true
	}
	return 0, true
}

// shutDown ends all programs, saves the disk and ends the machine.
func (g *guest) shutDown(how string) {
	if link := g.link.get(); link != nil {
		said := make(chan struct{})
		go func() {
			_ = link.Bye(how)
			close(said)
		}()
		select {
		case <-said:
		case <-time.After(byePause):
		}
	}
	_ = syscall.Kill(-1, syscall.SIGTERM)
	_ = syscall.Kill(-1, syscall.SIGCONT)
	g.procs.awaitAll(termPause)
	_ = syscall.Kill(-1, syscall.SIGKILL)
	g.procs.awaitAll(termPause)
	unix.Sync()
	_ = unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
	command := unix.LINUX_REBOOT_CMD_POWER_OFF
	if how == "reboot" && !isUML() {
		command = unix.LINUX_REBOOT_CMD_RESTART
	}
	_ = unix.Reboot(command)
}

// awaitAll waits until process 1 has no children left, or for limit.
func (ps *processes) awaitAll(limit time.Duration) {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		ps.reap()
		if err := syscall.Kill(-1, 0); err != nil {
			return // nobody else is left
		}
	}
}

// isUML says whether the kernel is User-Mode Linux, which cannot start itself
// anew inside a jail.
func isUML() bool {
	data, _ := os.ReadFile("/proc/cpuinfo")
	return bytes.Contains(data, []byte("User Mode Linux"))
}
