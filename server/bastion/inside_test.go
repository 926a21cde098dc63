package bastion

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func TestKeysThatAreTaken(t *testing.T) {
	rsaLine := func(bits int) string {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		public, err := ssh.NewPublicKey(&k.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
	}
	const good = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVrWRvtv9nFXUHIKfq7lDKCrF5Hgj0W4cMzcOxs3SLB"
	for name, c := range map[string]struct {
		line string
		want error
	}{
		"ed25519":      {good, nil},
		"with comment": {"  " + good + " ada@laptop\n", nil},
		"rsa 3072":     {rsaLine(3072), nil},
		"rsa 2048":     {rsaLine(2048), ErrWeakKey},
		"dsa":          {"ssh-dss AAAAB3NzaC1kc3MAAACBAP1/U4EddRIpUt9KnC7s5Of2EbdSPO9EAMMeP4C2USZpRV1AIlH7WT2NWPq/xfW6MPbLm1Vs14E7gB00b/JmYLdrmVClpJ+f6AR7ECLCT7up1/63xhv4O1fnxqimFQ8E+4P208UewwI1VBNaFpEy9nXzrith1yrv8iIDGZ3RSAHHAAAAFQCXYFCPFSMLzLKSuYKi64QL8Fgc9QAAAIEA9+GghdabPd7LvKtcNrhXuXmUr7v6OuqC+VdMCz0HgmdRWVeOutRZT+ZxBxCBgLRJFnEj6EwoFhO3zwkyjMim4TwWeotUfI0o4KOuHiuzpnWRbqN/C/ohNWLx+2J6ASQ7zKTxvqhRkImog9/hWuWfBpKLZl6Ae1UlZAFMO/7PSSoAAACBAKKSU2PFl/qOLxIwmBZPPIcJshVe7bVUpFvyl3BbJDow8rXfskl8wO63OzP/qLmcJM0+JbcRU/53JjTuyk31drV2qxhIOsLDC9dGCWj47Y7TyhPdXh/0dthTRBy6bqGtRPxGa7gJov1xm/UuYYXPIUR/3x9MAZvZ5xvE0kYXO+rx", ErrWeakKey},
		"a private":    {"-----BEGIN OPENSSH PRIVATE KEY-----", ErrPrivateKey},
		"options":      {`command="rm -rf /" ` + good, ErrOptions},
		"two lines":    {good + "\n" + good, ErrNoKey},
		"rubbish":      {"hello", ErrNoKey},
		"nothing":      {"", ErrNoKey},
	} {
		t.Run(name, func(t *testing.T) {
			_, comment, err := ParseKey(c.line)
			if !errors.Is(err, c.want) || name == "with comment" && comment != "ada@laptop" {
				t.Errorf("%v, comment %q", err, comment)
			}
		})
	}
}

func TestWhoFailsAgainAndAgainWaits(t *testing.T) {
	now := time.Unix(0, 0)
	d := newDoor(func() time.Time { return now })
	bad := from(&net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 1})
	same := from(&net.TCPAddr{IP: net.ParseIP("2001:db8::2"), Port: 9})
	other := from(&net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 1})
	for range failuresPerHost {
		if !d.enter(bad) {
			t.Fatal("refused too soon")
		}
		d.leave(bad, false)
	}
	if d.enter(same) {
		t.Error("the same network goes on")
	}
	for range 1000 { // a class behind one address
		if !d.enter(other) {
			t.Fatal("others suffer")
		}
		d.leave(other, true)
	}
	now = now.Add(window)
	if !d.enter(bad) {
		t.Error("refused for ever")
	}
	d.leave(bad, true)
	now = now.Add(2 * window)
	d.enter(other)
	if len(d.callers) != 1 {
		t.Errorf("%d callers are remembered", len(d.callers))
	}
}
