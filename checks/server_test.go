package checks_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// eachServer runs a test against the two kinds of SSH server that matter: one
// that runs commands as a guest's agent does, and Debian's own.
func eachServer(t *testing.T, test func(t *testing.T, client *ssh.Client)) {
	t.Run("agent", func(t *testing.T) { test(t, dialAgent(t)) })
	t.Run("openssh", func(t *testing.T) { test(t, dialOpenSSH(t)) })
}

func newSigner(tb testing.TB) (ssh.Signer, ed25519.PrivateKey) {
	tb.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return signer, key
}

func connect(tb testing.TB, conn net.Conn, auth ssh.Signer) *ssh.Client {
	tb.Helper()
	c, channels, requests, err := ssh.NewClientConn(conn, "guest", &ssh.ClientConfig{
		User:            "root",
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(auth)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), // the peer is this test
	})
	if err != nil {
		tb.Fatal(err)
	}
	client := ssh.NewClient(c, channels, requests)
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

func socketPair(tb testing.TB) (net.Conn, *os.File) {
	tb.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	near := os.NewFile(uintptr(fds[0]), "near")
	defer near.Close()
	conn, err := net.FileConn(near)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return conn, os.NewFile(uintptr(fds[1]), "far")
}

// dialOpenSSH starts Debian's sshd for a single connection.
func dialOpenSSH(tb testing.TB) *ssh.Client {
	tb.Helper()
	const sshd = "/usr/sbin/sshd"
	if _, err := os.Stat(sshd); err != nil {
		tb.Skip("no sshd here: apt-get install openssh-server")
	}
	if os.Getuid() != 0 {
		tb.Skip("sshd lets root in only when it is root itself")
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		tb.Fatal(err)
	}
	_, hostKey := newSigner(tb)
	block, err := ssh.MarshalPrivateKey(hostKey, "")
	if err != nil {
		tb.Fatal(err)
	}
	login, _ := newSigner(tb)
	dir := tb.TempDir()
	files := map[string][]byte{
		"key":        pem.EncodeToMemory(block),
		"authorized": ssh.MarshalAuthorizedKey(login.PublicKey()),
		"config": []byte("HostKey " + dir + "/key\nAuthorizedKeysFile " + dir + "/authorized\nStrictModes no\n" +
			"PermitRootLogin yes\nUsePAM no\nPidFile none\nSetEnv HOME=" + dir + "\n"),
		// A bash that sshd starts reads this, whatever it is told.
		".bashrc": []byte("alias pwd=false\nexport STRAY=1 BASH_ENV=/nowhere LC_ALL=C PATH=/nowhere\ntrue() { false; }\nexport -f true\ncd /usr\n"),
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	conn, far := socketPair(tb)
	cmd := exec.Command(sshd, "-i", "-e", "-f", filepath.Join(dir, "config"))
	cmd.Stdin, cmd.Stdout = far, far
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	far.Close()
	tb.Cleanup(func() {
		conn.Close()
		_ = cmd.Wait()
	})
	return connect(tb, conn, login)
}

// agent is an SSH server that runs commands by "/bin/bash -c" in a clean
// environment, and can be made to misbehave.
type agent struct {
	conn net.Conn
	// handle, where set, may take over a session's requests; it returns false
	// to have the command run.
	handle func(command string, channel ssh.Channel) bool
	// refuse, where set, refuses all sessions.
	refuse bool
	// late makes exit statuses wait for all streams to close, and ignores
	// signals, as plain servers do.
	late bool
}

func dialAgent(tb testing.TB) *ssh.Client {
	return (&agent{}).dial(tb)
}

func (a *agent) dial(tb testing.TB) *ssh.Client {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	host, _ := newSigner(tb)
	login, _ := newSigner(tb)
	config := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(host)
	served := make(chan struct{})
	go func() {
		defer close(served)
		conn, err := listener.Accept()
		_ = listener.Close()
		if err == nil {
			a.serve(conn, config)
		}
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	a.conn = conn
	client := connect(tb, conn, login)
	tb.Cleanup(func() {
		_ = client.Close()
		<-served
	})
	return client
}

func (a *agent) serve(conn net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		if a.refuse {
			_ = c.Reject(ssh.ResourceShortage, "too many sessions")
			continue
		}
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go a.session(channel, requests)
	}
}

func (a *agent) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	var pid int
	for r := range requests {
		switch r.Type {
		case "exec":
			var m struct{ Command string }
			_ = ssh.Unmarshal(r.Payload, &m)
			_ = r.Reply(true, nil)
			if a.handle == nil || !a.handle(m.Command, channel) {
				pid = a.run(m.Command, channel)
			}
		case "signal":
			if pid > 0 && !a.late {
				_ = syscall.Kill(-pid, syscall.SIGKILL)
			}
		}
	}
}

func (a *agent) run(command string, channel ssh.Channel) int {
	cmd := exec.Command("/bin/bash", "-c", command)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/root", "USER=root"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, _ := cmd.StdinPipe()
	var far []*os.File
	var streams sync.WaitGroup
	for _, to := range []io.Writer{channel, channel.Stderr()} {
		r, w, err := os.Pipe()
		if err != nil {
			return 0
		}
		far = append(far, w)
		streams.Go(func() {
			_, _ = io.Copy(to, r)
			r.Close() // The next writer finds a broken pipe.
		})
	}
	cmd.Stdout, cmd.Stderr = far[0], far[1]
	if err := cmd.Start(); err != nil {
		return 0
	}
	far[0].Close()
	far[1].Close()
	go func() {
		_, _ = io.Copy(stdin, channel)
		stdin.Close()
	}()
	go func() {
		_ = cmd.Wait()
		if a.late {
			streams.Wait()
		}
		state := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if state.Signaled() {
			_, _ = channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
				Signal     string
				CoreDumped bool
				Error      string
				Lang       string
			}{"KILL", false, "", ""}))
		} else {
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(state.ExitStatus())}))
		}
		streams.Wait()
		_ = channel.Close()
	}()
	return cmd.Process.Pid
}

// eventually polls until ok returns true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatal("it never came true that " + what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// processExists tells whether a process lives, zombies aside.
func processExists(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}
