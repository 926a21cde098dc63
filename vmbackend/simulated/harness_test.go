package simulated_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
	"github.com/labmark/labmark/vmbackend/simulated"
)

// lab is a backend with one key for all guests.
type lab struct {
	*testing.T
	*simulated.Backend
	faults *simulated.Faults
	key    ssh.Signer
	host   ssh.PublicKey
	spec   vmbackend.Spec
}

func newLab(t *testing.T, change ...func(*simulated.Options)) *lab {
	t.Helper()
	private, host, err := guestssh.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{T: t, faults: &simulated.Faults{}, key: signer, host: host}
	l.spec = vmbackend.Spec{Image: image, HostKey: private, AuthorizedKey: ssh.MarshalAuthorizedKey(host)}
	o := simulated.Options{Dir: t.TempDir(), Faults: l.faults}
	for _, c := range change {
		c(&o)
	}
	if l.Backend, err = simulated.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func (l *lab) create(id string) error {
	spec := l.spec
	spec.ID = id
	return l.Create(l.Context(), spec)
}

func (l *lab) running(id string) {
	l.Helper()
	if err := l.create(id); err != nil {
		l.Fatal(err)
	}
	if err := l.Start(l.Context(), id); err != nil {
		l.Fatal(err)
	}
}

func (l *lab) connect(id string) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(l.Context(), 30*time.Second)
	defer cancel()
	client, err := guestssh.Connect(ctx, l.Backend, id, "student", l.host, l.key)
	if err == nil {
		l.Cleanup(func() { _ = client.Close() })
	}
	return client, err
}

func (l *lab) mustConnect(id string) *ssh.Client {
	l.Helper()
	client, err := l.connect(id)
	if err != nil {
		l.Fatal(err)
	}
	return client
}

// output runs a command with input and returns both streams as one.
func (l *lab) output(client *ssh.Client, command, stdin string) (string, error) {
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	defer func() { _ = session.Close() }()
	session.Stdin = strings.NewReader(stdin)
	out, err := session.CombinedOutput(command)
	return string(out), err
}

func (l *lab) state(id string) vmbackend.State {
	l.Helper()
	all, err := l.List(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	for _, g := range all {
		if g.ID == id {
			return g.State
		}
	}
	return ""
}
