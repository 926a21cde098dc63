package libvirttest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// system starts a libvirtd of root's, with folders of its own instead of the
// machine's. The user libvirt-qemu, which it insists on, exists for it alone.
// The loop stands in for systemd.
const system = `
root=$1 abilities=$2
ip link set lo up
mount --bind "$root/passwd" /etc/passwd
mount --bind "$root/group" /etc/group
for dir in /run /var /etc/libvirt; do
	mount -t tmpfs -o mode=755 none $dir || exit 1
done
# /sys shows the network in which it was mounted.
mkdir /run/cgroup && mount --rbind /sys/fs/cgroup /run/cgroup && mount -t sysfs none /sys &&
	mount --move /run/cgroup /sys/fs/cgroup
mkdir -p /var/cache/libvirt/qemu/capabilities /var/lock # the latter for channels opened by libvirtd
cp "$abilities"/* /var/cache/libvirt/qemu/capabilities/
cp "$root"/*.conf /etc/libvirt/
while :; do
	libvirtd --pid-file "$root/libvirtd.pid" --config /etc/libvirt/libvirtd.conf
	sleep 0.3
done
`

// System is a node on this machine whose libvirtd is root's, as the one of a
// distribution, in namespaces of its own. Its guests run as libvirtd's user of
// the other nodes; Daemon is nil. Only root can have one.
func System(tb testing.TB) *Node {
	tb.Helper()
	ns := newNamespace(tb)
	account, err := user.Lookup("labmark")
	if err != nil {
		tb.Skip("skipped: the user labmark is missing:", err)
	}
	tb.Cleanup(removeCgroups)
	n := newFolder(tb, ns)
	n.uid, _ = strconv.Atoi(account.Uid)
	n.gid, _ = strconv.Atoi(account.Gid)
	n.pid = func() int {
		content, _ := os.ReadFile(filepath.Join(n.root, "libvirtd.pid"))
		pid, _ := strconv.Atoi(strings.TrimSpace(string(content)))
		return pid
	}
	n.makeDir()
	if err := os.Mkdir(filepath.Join(n.root, "r"), 0o700); err != nil {
		tb.Fatal(err)
	}
	socket := filepath.Join(n.root, "r", "libvirt-sock")
	n.write("libvirtd.conf", fmt.Sprintf("unix_sock_dir = %q\nauth_unix_rw = \"none\"\nauth_unix_ro = \"none\"\n"+
		"max_client_requests = 64\nlog_outputs = \"3:stderr\"\n", filepath.Dir(socket)))
	n.write("qemu.conf", "stdio_handler = \"file\"\nseccomp_sandbox = 1\nsecurity_driver = \"none\"\nuser = \"labmark\"\ngroup = \"labmark\"\n")
	n.write("passwd", read(tb, "/etc/passwd")+fmt.Sprintf("libvirt-qemu:x:%d:%d::/:/bin/false\n", n.uid, n.gid))
	n.write("group", read(tb, "/etc/group")+fmt.Sprintf("libvirt-qemu:x:%d:\n", n.gid))

	abilities, err := sharedAbilities()
	if err != nil {
		tb.Fatal(err)
	}
	log, err := os.Create(filepath.Join(n.root, "libvirtd.log"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command("nsenter", "--net="+ns.path(), "unshare", "--mount", "sh", "-c", system, "sh", n.root, abilities)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", log, log
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() { _ = cmd.Wait() }()
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("libvirtd said:\n%s", read(tb, log.Name()))
		}
	})
	Until(tb, "libvirtd listens", func() bool {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	n.Endpoint = wire.Endpoint{URI: "qemu:///system?socket=" + socket, Calls: 32}
	return n
}

func (n *Node) write(name, content string) {
	n.tb.Helper()
	if err := os.WriteFile(filepath.Join(n.root, name), []byte(content), 0o644); err != nil {
		n.tb.Fatal(err)
	}
}

func read(tb testing.TB, path string) string {
	tb.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(content)
}

// removeCgroups removes what libvirt has left in the machine's cgroups, where
// no process is in it.
func removeCgroups() {
	for _, below := range []string{"/qemu-*/*", "/qemu-*", ""} {
		folders, _ := filepath.Glob("/sys/fs/cgroup/*/machine" + below)
		for _, folder := range folders {
			if info, err := os.Stat(folder); err == nil && info.IsDir() {
				_ = os.Remove(folder) // refused while it is in use
			}
		}
	}
}
