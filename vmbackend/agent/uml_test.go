package agent_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend/agent/initrd"
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
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	if m.host, err = guestlink.Connect(ctx, line, m.personal); err != nil {
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

// cpu is the processor time that the guest's kernel process has used.
func (m *machine) cpu(tb testing.TB) time.Duration {
	tb.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", m.pid))
	if err != nil {
		tb.Fatal(err)
	}
	f := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
}

func (m *machine) login(tb testing.TB, user string) *ssh.Client {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
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
	if err := initrd.Write(f, data); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestRealGuestFiguresAreMeasured(t *testing.T) {
	start := time.Now()
	m := bootUML(t)
	booted := time.Since(start)
	c := m.login(t, "root")
	run(t, c, "true")
	t.Logf("to link %v, to first command %v (with building the agent)", booted, time.Since(start))
	t.Logf("%s", run(t, c, "uname -a; hostname; cat /etc/hosts; id; date; cat /proc/self/cgroup; grep -E 'VmRSS|VmHWM' /proc/1/status; mount; free -m; ls -l /usr/sbin/poweroff; cat /proc/uptime"))
	start = time.Now()
	for range 20 {
		run(t, c, "true")
	}
	t.Logf("exec of true %v", time.Since(start)/20)
	t.Logf("bash -c true by hand in the guest: %s", run(t, c, "time (for i in 1 2 3 4 5 6 7 8 9 10; do bash -c true; done)"))
	start = time.Now()
	for range 10 {
		_ = m.login(t, "root").Close()
	}
	t.Logf("login %v", time.Since(start)/10)
	before := m.cpu(t)
	time.Sleep(5 * time.Second)
	t.Logf("processor time in 5 idle seconds: %v", m.cpu(t)-before)
	measureUp(t, c, 2<<20)
	measureDown(t, c, 64<<20)
}

func measureUp(t *testing.T, c *ssh.Client, size int) {
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	s.Stdin = bytes.NewReader(make([]byte, size))
	start := time.Now()
	out, err := s.Output("wc -c")
	if err != nil || string(bytes.TrimSpace(out)) != fmt.Sprint(size) {
		t.Fatalf("%v %q", err, out)
	}
	t.Logf("up %.2f MB/s", float64(size)/1e6/time.Since(start).Seconds())
}

func measureDown(t *testing.T, c *ssh.Client, size int) {
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	pipe, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := s.Start(fmt.Sprintf("head -c %d /dev/zero", size)); err != nil {
		t.Fatal(err)
	}
	n, _ := io.Copy(io.Discard, pipe)
	if n != int64(size) {
		t.Fatalf("%d bytes", n)
	}
	t.Logf("down %.2f MB/s", float64(size)/1e6/time.Since(start).Seconds())
}
