package e2e

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// client is OpenSSH's, with a key and a record of known hosts of its own.
type client struct {
	dir, port string
}

// sshGateway starts one that takes SSH clients, on the port that it returns.
func sshGateway(t *testing.T) (*gateway, string) {
	t.Helper()
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("there is no OpenSSH client here: install openssh-client")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	g := newGateway(t, "course", "--pool", "0", "--ssh", "127.0.0.1:"+port)
	g.start(t)
	return g, port
}

func newClient(t *testing.T, port string) *client {
	t.Helper()
	c := &client{dir: t.TempDir(), port: port}
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me@here", "-f", filepath.Join(c.dir, "key")).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	return c
}

// run runs ssh, scp or sftp with the client's settings and returns what it
// said on both outputs.
func (c *client) run(t *testing.T, stdin, program string, args ...string) (string, error) {
	t.Helper()
	cmd := c.command(t, program, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (c *client) command(t *testing.T, program string, args ...string) *exec.Cmd {
	level := "ERROR"
	if slices.Contains(args, "-W") {
		level = "INFO" // says why a port was refused
	}
	port := "-p"
	if program != "ssh" {
		port = "-P"
	}
	cmd := exec.CommandContext(t.Context(), program, append([]string{"-F", "none", port, c.port, "-i", filepath.Join(c.dir, "key"),
		"-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new",
		"-o", "UserKnownHostsFile=" + filepath.Join(c.dir, "known_hosts"), "-o", "LogLevel=" + level}, args...)...)
	return cmd
}

func (c *client) must(t *testing.T, stdin, program string, args ...string) string {
	t.Helper()
	out, err := c.run(t, stdin, program, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return out
}

// adds puts the client's key on a student's profile page.
func (s *student) adds(t *testing.T, c *client) (status int, page string) {
	t.Helper()
	line, err := os.ReadFile(filepath.Join(c.dir, "key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.PostForm(s.g.url+"/profile/keys", url.Values{"line": {string(line)}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, b.String()
}

const labmark = "labmark@127.0.0.1"

func TestOpenSSHLeadsIntoOnesOwnGuest(t *testing.T) {
	g, port := sshGateway(t)
	ann, bob := g.student(t, "ann", "work"), g.student(t, "bob", "work")
	anns, bobs := newClient(t, port), newClient(t, port)
	if out, err := anns.run(t, "", "ssh", labmark, "true"); err == nil || !strings.Contains(out, "Permission denied") {
		t.Errorf("a key that nobody has added: %v, %s", err, out)
	}
	if status, page := ann.adds(t, anns); status != http.StatusOK || !strings.Contains(page, "me@here") || !strings.Contains(page, "ssh -p "+port) {
		t.Fatalf("adding a key: %d\n%s", status, page)
	}
	if status, page := bob.adds(t, anns); status != http.StatusUnprocessableEntity || !strings.Contains(page, "in use here already") || strings.Contains(page, "ann<") {
		t.Errorf("adding another's key: %d\n%s", status, page)
	}
	bob.adds(t, bobs)
	ann.ready(t)

	t.Run("commands", func(t *testing.T) {
		if out := anns.must(t, "into it", "ssh", labmark, "id -un; cat; echo; tty || true"); out != "student\ninto it\nnot a tty\n" {
			t.Errorf("got %q", out)
		}
		_, err := anns.run(t, "", "ssh", labmark, "exit 42")
		if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 42 {
			t.Errorf("an exit status of 42 came as %v", err)
		}
		if out := anns.must(t, "stty size\nexit\n", "ssh", "-tt", labmark); !strings.Contains(out, "student@") {
			t.Errorf("no prompt in a terminal: %q", out)
		}
	})
	t.Run("others", func(t *testing.T) {
		if out, err := bobs.run(t, "", "ssh", labmark, "hostname"); err == nil || !strings.Contains(out, "You have no machine") {
			t.Errorf("bob without a machine: %v, %s", err, out)
		}
	})
	t.Run("files", func(t *testing.T) { filesRoundTrip(t, anns) })
	t.Run("ports", func(t *testing.T) { ports(t, anns) })
	t.Run("removed", func(t *testing.T) { removed(t, ann, anns) })
}

// filesRoundTrip carries a tree in and out by every program that people have.
func filesRoundTrip(t *testing.T, c *client) {
	tree := filepath.Join(t.TempDir(), "tree")
	if err := os.MkdirAll(filepath.Join(tree, "a b", "ü"), 0o755); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 300<<10)
	rand.Read(data)
	for name, content := range map[string][]byte{"a b/ü/data": data, "empty": nil, "run.sh": []byte("#!/bin/sh\n")} {
		if err := os.WriteFile(filepath.Join(tree, name), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("scp", func(t *testing.T) {
		// The old protocol (scp -O) runs a program scp in the guest, which this
		// image has not.
		back := t.TempDir()
		c.must(t, "", "scp", "-r", "-p", tree, labmark+":")
		c.must(t, "", "scp", "-r", "-p", labmark+":tree", back)
		if out, err := exec.Command("diff", "-r", tree, filepath.Join(back, "tree")).CombinedOutput(); err != nil {
			t.Errorf("the tree came back changed: %s", out)
		}
		if info, err := os.Stat(filepath.Join(back, "tree", "run.sh")); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("its rights: %v, %v", info, err)
		}
	})
	t.Run("sftp", func(t *testing.T) {
		out, err := c.run(t, "pwd\nput "+filepath.Join(tree, "run.sh")+" /etc/run.sh\n", "sftp", "-b", "-", labmark)
		if err == nil || !strings.Contains(out, "/home/student") || !strings.Contains(out, "ermission denied") {
			t.Errorf("a student wrote to /etc, or is not at home: %v, %s", err, out)
		}
	})
}

// ports reaches a server in the guest, and nothing else.
func ports(t *testing.T, c *client) {
	const server = `use IO::Socket::INET; my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1:8000", Listen => 5) or die $!;
		open my $f, ">", "listens"; close $f; while (my $c = $l->accept) { my $line = <$c>; print $c "the guest heard $line"; close $c }`
	c.must(t, server, "ssh", labmark, "cat > serve.pl; (perl serve.pl > said 2>&1 &); until test -e listens || test -s said; do sleep 0.1; done; cat said")
	if out := c.must(t, "hello\n", "ssh", "-W", "localhost:8000", labmark); out != "the guest heard hello\n" {
		t.Errorf("through a port came %q", out)
	}
	if out, err := c.run(t, "", "ssh", "-W", "127.0.0.1:9", labmark); err == nil || !strings.Contains(out, "refused") {
		t.Errorf("a closed port of the guest: %v, %s", err, out)
	}
	for _, elsewhere := range []string{"192.0.2.1:80", "169.254.169.254:80"} {
		if out, err := c.run(t, "", "ssh", "-W", elsewhere, labmark); err == nil || !strings.Contains(out, "your own machine") {
			t.Errorf("%s: %v, %s", elsewhere, err, out)
		}
	}
	if out, err := c.run(t, "", "ssh", "-o", "ExitOnForwardFailure=yes", "-R", "127.0.0.1:0:127.0.0.1:1", labmark, "true"); err == nil {
		t.Errorf("the gateway listens for a client: %s", out)
	}
}

// removed takes the key away while it is in use.
func removed(t *testing.T, s *student, c *client) {
	cmd := c.command(t, "ssh", labmark, "sleep 600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	eventually(t, "a session", func() bool {
		out, err := c.run(t, "", "ssh", labmark, "ps -e -o args")
		return err == nil && strings.Contains(out, "sleep 600")
	})
	page := s.read(t, http.MethodGet, s.g.url+"/profile")
	_, rest, found := strings.Cut(page, `action="/profile/keys/`)
	for found && !strings.Contains(rest[:min(20, len(rest))], "/remove") {
		_, rest, found = strings.Cut(rest, `action="/profile/keys/`)
	}
	id, _, _ := strings.Cut(rest, "/")
	res, err := s.PostForm(s.g.url+"/profile/keys/"+id+"/remove", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if err := <-ended; err == nil {
		t.Error("the session ended well")
	}
	if out, err := c.run(t, "", "ssh", labmark, "true"); err == nil {
		t.Errorf("the key opens still: %s", out)
	}
}
