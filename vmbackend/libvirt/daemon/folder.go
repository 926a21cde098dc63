package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// What libvirt reads and writes lies in four folders with names of one letter,
// because the paths of sockets must be short: c(onfig), r(un), a (cache: what
// QEMU can do, and guests' logs), d(ata).
var folders = map[string]string{
	"XDG_CONFIG_HOME": "c",
	"XDG_RUNTIME_DIR": "r",
	"XDG_CACHE_HOME":  "a",
	"XDG_DATA_HOME":   "d",
}

// setUp makes the folder and writes the settings. It tells whether they differ
// from what a living libvirtd has read.
func (d *Daemon) setUp() (changed bool, err error) {
	if err := d.makeFolders(); err != nil {
		return false, err
	}
	below, err := os.OpenRoot(d.o.Dir)
	if err != nil {
		return false, err
	}
	defer func() { _ = below.Close() }()
	files := map[string]string{"c/libvirt/libvirtd.conf": d.settings(), "c/libvirt/qemu.conf": qemuSettings}
	if tls := d.o.Listen; tls != nil {
		files["c/pki/ca.pem"], files["c/pki/cert.pem"], files["c/pki/key.pem"] = string(tls.CA), string(tls.Cert), string(tls.Key)
	}
	for name, content := range files {
		differs, err := d.write(below, name, []byte(content))
		if err != nil {
			return false, err
		}
		changed = changed || differs
	}
	return changed, nil
}

// makeFolders, and all that writes below Dir, stays below it also where the
// user, whose guests may have broken out, has put a link to root's files.
func (d *Daemon) makeFolders() error {
	if err := os.MkdirAll(filepath.Dir(d.o.Dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(d.o.Dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	below, err := os.OpenRoot(d.o.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = below.Close() }()
	for _, name := range []string{".", "c", "c/libvirt", "c/pki", "r", "a", "d"} {
		if err := below.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := d.who.own(below, name); err != nil {
			return err
		}
	}
	if !d.who.other {
		return nil
	}
	test := exec.Command("test", "-w", d.o.Dir)
	test.Dir, test.SysProcAttr = "/", &syscall.SysProcAttr{Credential: d.who.credential()}
	if err := test.Run(); err != nil {
		return fmt.Errorf("the user %s can't reach the folder %s: a folder above it is closed to others; "+
			"choose one such as /var/lib/labmark/libvirt", d.who.name, d.o.Dir)
	}
	return nil
}

// write puts a file in place, for nobody but the daemon's user.
func (d *Daemon) write(below *os.Root, name string, content []byte) (differs bool, err error) {
	if old, err := below.ReadFile(name); err == nil && bytes.Equal(old, content) {
		return false, nil
	}
	temp := name + ".new"
	if err := below.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := below.WriteFile(temp, content, 0o600); err != nil {
		return false, err
	}
	if err := d.who.own(below, temp); err != nil {
		return false, err
	}
	return true, below.Rename(temp, name)
}

// settings are libvirtd's own. The numbers let one gateway have many calls
// under way: libvirt stops reading from a client that has too many.
func (d *Daemon) settings() string {
	var s strings.Builder
	s.WriteString(`# Written by Labmark at each start.
max_clients = 2000
max_workers = 64
max_client_requests = 64
unix_sock_rw_perms = "0700"
auth_unix_rw = "none"
log_outputs = "3:stderr"
`)
	if tls := d.o.Listen; tls != nil {
		port := tls.Port
		if port == 0 {
			port = 16514
		}
		pki := filepath.Join(d.o.Dir, "c", "pki")
		fmt.Fprintf(&s, "listen_tls = 1\nlisten_tcp = 0\nlisten_addr = %q\ntls_port = \"%d\"\nauth_tls = \"none\"\n", tls.Address, port)
		fmt.Fprintf(&s, "ca_file = %q\ncert_file = %q\nkey_file = %q\n",
			filepath.Join(pki, "ca.pem"), filepath.Join(pki, "cert.pem"), filepath.Join(pki, "key.pem"))
	}
	return s.String()
}

// qemuSettings: output goes to files because no virtlogd runs here, and QEMU
// gives up the system calls that it does not need.
const qemuSettings = `# Written by Labmark at each start.
stdio_handler = "file"
seccomp_sandbox = 1
security_driver = "none"
security_default_confined = 0
`

func (d *Daemon) environment() []string {
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + d.o.Dir,
		"USER=" + d.who.name, "LOGNAME=" + d.who.name, "LC_ALL=C.UTF-8"}
	for name, folder := range folders {
		env = append(env, name+"="+filepath.Join(d.o.Dir, folder))
	}
	return env
}
