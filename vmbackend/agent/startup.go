package agent

import (
	"os"
	"sync"
	"syscall"
)

// startupFile is a program of the image that starts what runs in the guest
// beside its students' sessions, such as the screen. It is run as root once
// after each start, as soon as the guest is somebody's: a machine that is kept
// to be copied has started nothing yet that copies would share.
const startupFile = "/etc/labmark/boot"

// startup is the run of startupFile.
type startup struct{ once sync.Once }

// run starts the program, once, and does not wait for it. What it prints goes
// to the console.
func (s *startup) run(a *Agent) {
	s.once.Do(func() {
		if info, err := os.Stat(startupFile); err != nil || info.Mode()&0o111 == 0 {
			return // most images have none
		}
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			logf("%s: %v", startupFile, err)
			return
		}
		defer func() { _ = null.Close() }()
		attr := &syscall.ProcAttr{
			Dir: "/", Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"}, Sys: &syscall.SysProcAttr{Setsid: true},
			Files: []uintptr{null.Fd(), os.Stderr.Fd(), os.Stderr.Fd()},
		}
		if _, err := a.procs.start(startupFile, []string{startupFile}, attr); err != nil {
			logf("%s: %v", startupFile, err)
		}
	})
}
