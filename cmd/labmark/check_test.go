package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/labmark/labmark/vmbackend/sshserver"
)

// sshHost is an SSH server on loopback that runs commands here, as any host
// does that was not made by Labmark.
type sshHost struct {
	address, identity, known string
}

func newSSHHost(t *testing.T) sshHost {
	t.Helper()
	if _, err := os.Stat("/bin/bash"); err != nil {
		t.Skip("there is no bash here for checks to run in")
	}
	dir := t.TempDir()
	hostKey, hostSigner := newKeyPair(t)
	loginKey, loginSigner := newKeyPair(t)
	signer, authorized, err := sshserver.ParseKeys(hostKey, ssh.MarshalAuthorizedKey(loginSigner.PublicKey()))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	config := sshserver.Config{HostKey: signer, AuthorizedKeys: authorized, Handler: sshserver.HandlerFunc(runHere)}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = sshserver.Serve(ctx, conn, config) }()
		}
	}()
	h := sshHost{address: l.Addr().String(), identity: filepath.Join(dir, "key"), known: filepath.Join(dir, "known")}
	line := knownhosts.Line([]string{knownhosts.Normalize(h.address)}, hostSigner.PublicKey())
	for name, text := range map[string][]byte{h.identity: loginKey, h.known: []byte(line + "\n")} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func newKeyPair(t *testing.T) (private []byte, signer ssh.Signer) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	if signer, err = ssh.NewSignerFromKey(key); err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), signer
}

func runHere(s *sshserver.Session) sshserver.Exit {
	if s.Kind != sshserver.Exec {
		return sshserver.Exit{Status: 127}
	}
	cmd := exec.CommandContext(s.Context(), "/bin/bash", "-c", s.Command)
	cmd.Env = []string{"SSH_CONNECTION=127.0.0.1 1 127.0.0.1 22", "PATH=" + os.Getenv("PATH")}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s, s, s.Stderr()
	_ = cmd.Run()
	return sshserver.Exit{Status: uint32(max(0, cmd.ProcessState.ExitCode()))}
}

const checkedCourse = `---
title: T
vars: {word: {choice: [ant, bee, cat]}}
---
~~~check {#made}
:pass: The folder DIR/$word is there.
test -d DIR/$word || fail "There is no folder $word."
~~~
~~~solve {for=made}
mkdir DIR/$word
~~~
~~~check {#half}
echo seen
partial 1 2 "Half of it."
~~~
~~~solve {for=half}
true
~~~
:::question {#who type=text title="Who?"}
- [x] me
:::
`

// checked runs "labmark check" with a course whose checks look into dir.
func checked(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	course := t.TempDir()
	text := strings.NewReplacer("~~~", "```", "DIR", dir).Replace(checkedCourse)
	if err := os.MkdirAll(filepath.Join(course, "tutorials"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"course.yaml": "id: c\ntitle: C\n", "tutorials/t.md": text} {
		if err := os.WriteFile(filepath.Join(course, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	t.Setenv("SSH_AUTH_SOCK", "")
	t.Setenv("HOME", course)
	err := run(t.Context(), append([]string{"check", course}, args...), &out, &out)
	return out.String(), err
}

func TestCheckBySSH(t *testing.T) {
	host, dir := newSSHHost(t), t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "dog"), 0o755); err != nil {
		t.Fatal(err)
	}
	login := []string{"--ssh", "root@" + host.address, "--identity", host.identity, "--known-hosts", host.known}

	out, err := checked(t, dir, append(login, "made", "--var", "word=dog")...)
	if err != nil || !strings.Contains(out, "pass    t/made: The folder "+dir+"/dog is there.") {
		t.Errorf("%v, %q", err, out)
	}
	out, err = checked(t, dir, append(login, "t/made", "--var", "word=owl")...)
	if err == nil || !strings.Contains(out, "fail    t/made: There is no folder owl.") {
		t.Errorf("%v, %q", err, out)
	}
	out, err = checked(t, dir, append(login, "-o")...)
	for _, want := range []string{"50 %    t/half: Half of it.", "| seen", "skipped t/who: it is a question"} {
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%v, %q lacks %q", err, out, want)
		}
	}
	if out, err = checked(t, dir, append(login, "mode")...); err == nil || !strings.Contains(err.Error(), `no check "mode"`) {
		t.Errorf("%v, %q", err, out)
	}
}

// TestCheckTrustsNobodyItDoesNotKnow tries hosts that may be somebody else's.
func TestCheckTrustsNobodyItDoesNotKnow(t *testing.T) {
	host, other, dir := newSSHHost(t), newSSHHost(t), t.TempDir()
	swapped := filepath.Join(dir, "swapped")
	text, err := os.ReadFile(other.known)
	if err != nil {
		t.Fatal(err)
	}
	_, key, _ := strings.Cut(string(text), " ")
	if err := os.WriteFile(swapped, []byte(knownhosts.Normalize(host.address)+" "+key), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"unknown", "ssh-keyscan -p", []string{"--identity", host.identity, "--known-hosts", other.known}},
		{"no known hosts", "ssh-keyscan -p", []string{"--identity", host.identity}},
		{"changed", "another than the known one", []string{"--identity", host.identity, "--known-hosts", swapped}},
		{"not let in", "takes none of the keys", []string{"--identity", other.identity, "--known-hosts", host.known}},
		{"no key", "no key to log in with", []string{"--known-hosts", host.known}},
	} {
		out, err := checked(t, dir, append(c.args, "--ssh", "root@"+host.address, "made")...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %q; want %q", c.name, err, out, c.want)
		}
		if strings.Contains(out, "t/made") {
			t.Errorf("%s: a check was run", c.name)
		}
	}
	out, err := checked(t, dir, "--insecure", "--identity", host.identity, "--ssh", "root@"+host.address, "half")
	if err == nil || !strings.Contains(out, "t/half") {
		t.Errorf("insecure: %v, %q", err, out)
	}
}

func TestSplitLogin(t *testing.T) {
	for text, want := range map[string]string{
		"ann@host": "ann host:22", "ann@host:2222": "ann host:2222", "ann@[::1]:5": "ann [::1]:5", "ann@[::1]": "ann [::1]:22",
		"ann@::1": "ann [::1]:22", "host": " ", "@host": " ", "ann@": " ",
	} {
		user, address, _ := splitLogin(text)
		if got := fmt.Sprint(user, " ", address); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
