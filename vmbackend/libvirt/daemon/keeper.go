package daemon

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The keeper is the parent of libvirtd: this program, run again. It starts
// libvirtd anew when that dies, and it takes the place of init for the QEMUs,
// which are orphans. libvirt waits for the end of a guest until its process
// has been reaped: with some inits, in containers above all, that took 1.2 s
// to 2 s, or for ever; the keeper does it at once (0.2 s in all). It lives on
// without the gateway. When it dies itself, Daemon.Keep makes another one, but
// not before libvirtd has died as well.

// keeperName in place of the program's name makes it a keeper.
const keeperName = "labmark-libvirtd-keeper"

// charge is what a keeper is told.
type charge struct {
	Path       string
	Args, Env  []string
	Credential *syscall.Credential
	Lock       string
}

// launch starts a keeper for c, whose output goes to log.
func launch(c charge, namespace string, log *os.File) (*exec.Cmd, error) {
	told, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{keeperName, string(told)}
	cmd.Dir, cmd.Env = "/", []string{}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd, within(namespace, cmd.Start)
}

// init is the keeper's main: each program that can start one, also a test, can
// be one.
func init() {
	if len(os.Args) != 2 || os.Args[0] != keeperName {
		return
	}
	if err := keep(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, keeperName+":", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func keep(told string) error {
	var c charge
	if err := json.Unmarshal([]byte(told), &c); err != nil {
		return err
	}
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT)
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("becoming the parent of orphans: %w", err)
	}
	lock, err := hold(c.Lock)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()

	const shortest = 10 * time.Second // a life that is worth no longer pause
	for pause, first := time.Second/4, true; ; first = false {
		begun := time.Now()
		pid, err := c.start()
		if err != nil {
			return err
		}
		ended := make(chan syscall.WaitStatus, 1)
		go reap(pid, ended)
		select {
		case status := <-ended:
			if first && status.Exited() && time.Since(begun) < shortest {
				return fmt.Errorf("libvirtd ended at once with status %d", status.ExitStatus())
			}
		case <-asked:
			_ = syscall.Kill(pid, syscall.SIGTERM)
			<-ended
			return nil
		}
		if time.Since(begun) > shortest {
			pause = time.Second / 4
		}
		select {
		case <-time.After(pause):
		case <-asked:
			return nil
		}
		pause = min(2*pause, 30*time.Second)
	}
}

func (c charge) start() (pid int, err error) {
	p, err := os.StartProcess(c.Path, c.Args, &os.ProcAttr{
		Dir: "/", Env: c.Env, Files: []*os.File{nil, os.Stdout, os.Stderr},
		Sys: &syscall.SysProcAttr{Setsid: true, Credential: c.Credential},
	})
	if err != nil {
		return 0, err
	}
	pid = p.Pid
	return pid, p.Release()
}

// reap waits for children, own and adopted, until libvirtd has ended.
func reap(libvirtd int, ended chan<- syscall.WaitStatus) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if pid == libvirtd || err == syscall.ECHILD {
			ended <- status
			return
		}
	}
}

// hold locks a file for as long as the process lives.
func hold(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	lock := unix.Flock_t{Type: unix.F_WRLCK, Len: 1}
	if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &lock); err != nil {
		return nil, fmt.Errorf("%s is held by another process: %w", path, err)
	}
	return f, nil
}

// holder is the process that has a file locked, 0 if none has. The kernel says
// it, so it can't be a stranger with an old number; and no link leads to a file
// that somebody else holds, who would be ended in libvirtd's place.
func holder(path string) int {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	lock := unix.Flock_t{Type: unix.F_WRLCK, Len: 1}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lock); err != nil || lock.Type == unix.F_UNLCK {
		return 0
	}
	return int(lock.Pid)
}
