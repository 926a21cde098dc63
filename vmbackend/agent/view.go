package agent

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// toolboxPath is where a check finds its toolbox: in a folder of its own view
// of /proc, since that is there whatever a student has done to the disk.
const toolboxPath = "/proc/fs"

// CheckPath is the PATH of checks that have the toolbox: that first, for what
// it lacks the guest's own programs.
const CheckPath = toolboxPath + ":/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"

// inView starts a process with a view of the file system of its own: as the
// student has it, but with a fresh /proc over whatever was mounted there, and
// with the toolbox where that is wanted. Mounts that the process makes are its
// own, too.
func (a *Agent) inView(tools bool, start func() (*process, error)) (*process, error) {
	type started struct {
		p   *process
		err error
	}
	done := make(chan started, 1)
	go func() {
		// The thread's view can't be put right again: it ends with the goroutine.
		runtime.LockOSThread()
		err := a.enterView(tools)
		var p *process
		if err == nil {
			p, err = start()
		}
		done <- started{p, err}
	}()
	s := <-done
	return s.p, s.err
}

// enterView gives the calling thread its view.
func (a *Agent) enterView(tools bool) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("a view of its own: %w", err)
	}
	tree := -1
	if tools {
		var err error
		if tree, err = a.toolbox.clone(); err != nil {
			return err
		}
		defer func() { _ = unix.Close(tree) }()
	}
	if err := unshareMounts(); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("a /proc of its own: %w", err)
	}
	if tree < 0 {
		return nil
	}
	if err := attach(tree, toolboxPath); err != nil {
		return fmt.Errorf("the toolbox can't be put in place: %w", err)
	}
	// What would have the guest's programs, and static ones by way of the C
	// library, load code of the student's.
	cover("nsswitch.conf", "/etc/nsswitch.conf")
	cover("empty", "/etc/ld.so.preload")
	return nil
}

// unshareMounts gives the calling thread mounts of its own.
func unshareMounts() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("mounts of its own: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mounts of its own: %w", err)
	}
	return nil
}

// attach mounts a detached tree.
func attach(tree int, path string) error {
	return unix.MoveMount(tree, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// cover hides a file of the guest behind one of the toolbox. There may be
// none: then nothing has to be hidden.
func cover(name, path string) {
	tree, err := unix.OpenTree(unix.AT_FDCWD, toolboxPath+"/"+name, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return
	}
	defer func() { _ = unix.Close(tree) }()
	_ = attach(tree, path)
}

// startSelf starts this very program with a word that says what it is to do.
func (a *Agent) startSelf(word string, env []string, files [3]*os.File) (*process, error) {
	attr := &syscall.ProcAttr{Dir: "/", Env: env, Sys: &syscall.SysProcAttr{Setsid: true},
		Files: []uintptr{files[0].Fd(), files[1].Fd(), files[2].Fd()}}
	return a.procs.start("/proc/self/exe", []string{"labmark-agent", word}, attr)
}

// errNoToolbox is known to those who bring one by its words (package checks).
var errNoToolbox = errors.New("there is no toolbox yet for " + runtime.GOARCH)
