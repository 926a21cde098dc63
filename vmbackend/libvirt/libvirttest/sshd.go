package libvirttest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend/libvirt/daemon"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// SSH is a node with an address of its own, behind a real sshd. Only root can
// have one; others' tests are skipped.
func SSH(tb testing.TB) *Node {
	tb.Helper()
	if _, err := exec.LookPath("/usr/sbin/sshd"); err != nil {
		tb.Skip("skipped: sshd is missing: apt-get install --no-install-recommends openssh-server")
	}
	ns := newNamespace(tb)
	n := newNode(tb, daemon.Options{}, ns)
	host := newKey(tb, filepath.Join(n.root, "host"))
	identity := filepath.Join(n.root, "id")
	client := newKey(tb, identity)
	n.writeSSHD(client)
	n.StartSSHD()
	account, err := user.LookupId(strconv.Itoa(n.Daemon.Uid()))
	if err != nil {
		tb.Fatal(err)
	}
	n.Endpoint = wire.Endpoint{
		URI:     fmt.Sprintf("qemu+ssh://%s@%s/session?socket=%s", account.Username, ns.address, n.Daemon.Socket()),
		HostKey: host, Identity: identity, Calls: 32,
	}
	return n
}

// newKey writes a private key and returns the public one's line.
func newKey(tb testing.TB, path string) string {
	tb.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		tb.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// writeSSHD writes the settings, and accounts for the node alone: libvirtd's
// user there has a shell and is not locked.
func (n *Node) writeSSHD(client string) {
	n.tb.Helper()
	files := map[string]string{
		"keys": client,
		"sshd_config": fmt.Sprintf(`Port 22
ListenAddress %s
HostKey %s
AuthorizedKeysFile %s
StrictModes no
PidFile none
UsePAM no
UseDNS no
PasswordAuthentication no
AllowStreamLocalForwarding yes
AllowTcpForwarding local
`, n.ns.address, filepath.Join(n.root, "host"), filepath.Join(n.root, "keys")),
	}
	uid := strconv.Itoa(n.Daemon.Uid())
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		n.tb.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(passwd)), "\n") {
		fields := strings.Split(line, ":")
		if len(fields) == 7 && fields[2] == uid {
			fields[5], fields[6] = "/", "/bin/sh"
		}
		files["passwd"] += strings.Join(fields, ":") + "\n"
		files["shadow"] += fields[0] + ":*:20000:0:99999:7:::\n"
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(n.root, name), []byte(content), 0o644); err != nil {
			n.tb.Fatal(err)
		}
	}
}

// StartSSHD starts the node's sshd, also after KillSSHD.
func (n *Node) StartSSHD() {
	n.tb.Helper()
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd insists on it
		n.tb.Fatal(err)
	}
	const start = `mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/shadow" /etc/shadow &&
exec /usr/sbin/sshd -D -E "$1/sshd.log" -f "$1/sshd_config"`
	cmd := exec.Command("nsenter", "--net="+n.ns.path(), "unshare", "--mount", "sh", "-c", start, "sh", n.root)
	cmd.Dir = "/"
	cmd.Stderr = n.tb.Output()
	if err := cmd.Start(); err != nil {
		n.tb.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	Until(n.tb, "sshd listens", func() bool {
		select {
		case <-ended:
			log, _ := os.ReadFile(filepath.Join(n.root, "sshd.log"))
			n.tb.Fatalf("sshd ended at its start: %s", log)
		default:
		}
		conn, err := net.Dial("tcp", net.JoinHostPort(n.ns.address, "22"))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// KillSSHD ends sshd and all its connections as a crash would.
func (n *Node) KillSSHD() {
	kill(n.tb, func() []int {
		var pids []int
		for _, pid := range n.ns.processes() {
			name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
			if err == nil && strings.HasPrefix(string(name), "sshd") {
				pids = append(pids, pid)
			}
		}
		return pids
	})
}
