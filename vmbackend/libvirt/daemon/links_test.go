package daemon

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Whoever broke out of a guest is libvirtd's user, and may change that user's
// folder. Root, who starts the next libvirtd there, must not be led elsewhere.
func TestLinksLeadRootNowhere(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: without root libvirtd is our own user's")
	}
	who, err := lookUp("")
	if err != nil {
		t.Skip("skipped:", err)
	}
	for name, link := range map[string]struct{ name, to string }{
		"folder":   {"c", "victim"},
		"settings": {"c/libvirt/libvirtd.conf.new", "victim/file"},
		"log":      {logFile, "victim/file"},
	} {
		t.Run(name, func(t *testing.T) {
			base, err := os.MkdirTemp("", "lm")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(base) })
			if err := os.Chmod(base, 0o755); err != nil {
				t.Fatal(err)
			}
			victim := filepath.Join(base, "victim", "file")
			for _, dir := range []string{"victim/libvirt", "d/" + filepath.Dir(link.name)} {
				if err := os.MkdirAll(filepath.Join(base, dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(victim, []byte("root's"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(base, link.to), filepath.Join(base, "d", link.name)); err != nil {
				t.Fatal(err)
			}
			d := &Daemon{o: Options{Dir: filepath.Join(base, "d"), Log: slog.New(slog.DiscardHandler)}, who: who}
			_, _ = d.setUp()
			if log, err := d.openLog(); err == nil {
				_, _ = log.WriteString("written")
				_ = log.Close()
			}
			if content, err := os.ReadFile(victim); err != nil || string(content) != "root's" {
				t.Errorf("root's file now holds %q, %v", content, err)
			}
			for _, path := range []string{victim, filepath.Join(base, "victim", "libvirt"), filepath.Join(base, "victim")} {
				if owner := ownerOf(t, path); owner != "0" {
					t.Errorf("%s now belongs to user %s", path, owner)
				}
			}
		})
	}
}

func ownerOf(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("stat", "-c", "%u", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out[:len(out)-1])
}

// A link in place of a lock's file must not name somebody else's process.
func TestHolderFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "others.pid")
	holding := exec.Command("python3", "-c", "import fcntl,time,sys; f=open(sys.argv[1],'w'); fcntl.lockf(f,fcntl.LOCK_EX); print('held',flush=True); time.sleep(600)", other)
	said, err := holding.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holding.Start(); err != nil {
		t.Skip("skipped: python3 holds the lock here:", err)
	}
	t.Cleanup(func() {
		_ = holding.Process.Kill()
		_ = holding.Wait()
	})
	_ = time.AfterFunc(time.Minute, func() { _ = said.Close() })
	if _, err := said.Read(make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	if holder(other) != holding.Process.Pid {
		t.Fatalf("the file's holder is said to be %d, not %d", holder(other), holding.Process.Pid)
	}
	link := filepath.Join(dir, "libvirtd.pid")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	if pid := holder(link); pid != 0 {
		t.Errorf("by a link process %d is taken for libvirtd", pid)
	}
}
