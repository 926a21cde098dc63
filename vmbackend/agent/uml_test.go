package agent_test

import (
	"bytes"
	"cmp"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend/agent/initrd"
	"github.com/labmark/labmark/vmbackend/embedded"
	"github.com/labmark/labmark/vmbackend/guestlink"
	"github.com/labmark/labmark/vmbackend/guestssh"
	"github.com/labmark/labmark/vmbackend/image"
)

// machine is a real User-Mode Linux guest without a jail: a test's own.
type machine struct {
	host     *guestlink.Host
	line     *os.File // our end of the serial line; outlives hosts
	personal guestlink.Personal
	key      ssh.Signer
	hostKey  ssh.PublicKey
	console  *bytes.Buffer
	pid      int
	ended    chan struct{}
}

// Dial makes a machine a guestssh.Dialer.
func (m *machine) Dial(ctx context.Context, _ string) (net.Conn, error) { return m.host.Open(ctx) }

// bootUML boots the image debian-12, with the kernel that LABMARK_TEST_KERNEL
// names or Debian's. It is the only test ground that needs more than a Go
// compiler: make test installs the kernel and builds the image.
func bootUML(tb testing.TB, words ...string) *machine {
	tb.Helper()
	kernel := cmp.Or(os.Getenv("LABMARK_TEST_KERNEL"), "/usr/bin/linux.uml")
	images, err := image.Open(os.Getenv("LABMARK_TEST_IMAGE_DIR"))
	if err != nil {
		tb.Fatal(err)
	}
	root, err := images.Resolve("debian-12")
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	ours, theirs := socketpair(tb)
	args := append([]string{"-R", kernel, "mem=128M", "initrd=" + buildInitrd(tb, dir), "root=/dev/ubda",
		"ubd0=" + filepath.Join(dir, "cow") + "," + root.Path, "con=null", "con0=null,fd:1", "ssl=null", "ssl0=fd:3",
		"uml_dir=" + dir, "quiet"}, words...)
	cmd := exec.Command("setarch", args...)
	m := &machine{console: &bytes.Buffer{}, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = m.console, m.console
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	_ = theirs.Close()
	m.pid = cmd.Process.Pid
	go func() { _ = cmd.Wait(); close(m.ended) }()
	tb.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-m.ended
		if tb.Failed() {
			tb.Logf("console:\n%s", m.console)
		}
	})
	m.line = ours
	tb.Cleanup(func() { _ = ours.Close() })
	m.personalise(tb)
	m.rejoin(tb)
	return m
}

// rejoin gives the guest a new host, in place of one that there may be.
func (m *machine) rejoin(tb testing.TB) {
	tb.Helper()
	if m.host != nil {
		_ = m.host.Close()
	}
	line, err := net.FileConn(m.line) // a copy: closing it leaves the line open
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	if m.host, err = guestlink.Connect(ctx, line, m.personal, guestlink.Options{}); err != nil {
		tb.Fatal(err)
	}
	host := m.host
	tb.Cleanup(func() { _ = host.Close() })
}

func (m *machine) personalise(tb testing.TB) {
	private, public, err := guestssh.NewHostKey()
	if err != nil {
		tb.Fatal(err)
	}
	login, loginPublic, err := guestssh.NewHostKey()
	if err != nil {
		tb.Fatal(err)
	}
	if m.key, err = ssh.ParsePrivateKey(login); err != nil {
		tb.Fatal(err)
	}
	m.hostKey = public
	m.personal = guestlink.Personal{
		Hostname: "lab-guest", HostKey: private, AuthorizedKey: ssh.MarshalAuthorizedKey(loginPublic),
		Entropy: bytes.Repeat([]byte{7}, 64), Time: time.Now(),
	}
}

func (m *machine) login(tb testing.TB, user string) *ssh.Client {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	c, err := guestssh.Connect(ctx, m, "test", user, m.hostKey, m.key)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func run(tb testing.TB, c *ssh.Client, command string) string {
	tb.Helper()
	s, err := c.NewSession()
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	out, err := s.CombinedOutput(command)
	if err != nil {
		tb.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

func socketpair(tb testing.TB) (ours, theirs *os.File) {
	tb.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return os.NewFile(uintptr(fds[0]), "line"), os.NewFile(uintptr(fds[1]), "line")
}

func buildInitrd(tb testing.TB, dir string) string {
	tb.Helper()
	binary := filepath.Join(dir, "agent")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "github.com/labmark/labmark/cmd/labmark-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("building the agent: %v\n%s", err, out)
	}
	data, err := os.ReadFile(binary)
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(dir, "initrd")
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	box, _ := embedded.Toolbox(runtime.GOARCH) // tests of the toolbox say where it is missing
	if err := initrd.Write(f, data, box); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	return path
}
