package examples_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
)

// BenchmarkCheck compares, turn by turn in one guest, a check on a kept
// connection with a bare exec of the same script on it, and with an exec on a
// new connection each time. Read the ratios of the medians.
func BenchmarkCheck(b *testing.B) {
	const body = `test -d /etc && test "$(stat -c %U /etc)" = root`
	guest := startGuest(b)
	var raw, check, anew []time.Duration
	for b.Loop() {
		raw = append(raw, timed(func() { exec(b, guest.client, body) }))
		check = append(check, timed(func() {
			if r := checks.Run(b.Context(), guest.client, checks.Script{Body: body, FailMessage: "No $x"}); r.Verdict != checks.Pass {
				b.Fatal(r.Message, r.Err)
			}
		}))
		anew = append(anew, timed(func() {
			client := guest.dial(b)
			exec(b, client, body)
			_ = client.Close()
		}))
	}
	base := median(raw)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(base.Microseconds())/1000, "raw-ms")
	b.ReportMetric(float64(median(check))/float64(base), "check/raw")
	b.ReportMetric(float64(median(anew))/float64(base), "new-connection/raw")
}

// benchGuest is one guest with a connection as root.
type benchGuest struct {
	client *ssh.Client
	dial   func(testing.TB) *ssh.Client
}

func startGuest(b *testing.B) benchGuest {
	b.Helper()
	backend, store := openBackend(b)
	found, err := store.Resolve("debian-12")
	if err != nil {
		b.Fatal(err)
	}
	host, public, err := guestssh.NewHostKey()
	if err != nil {
		b.Fatal(err)
	}
	login, loginPublic, err := guestssh.NewHostKey()
	if err != nil {
		b.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(login)
	if err != nil {
		b.Fatal(err)
	}
	spec := vmbackend.Spec{ID: "bench", Image: found.Digest, Hostname: "lab", HostKey: host, AuthorizedKey: ssh.MarshalAuthorizedKey(loginPublic)}
	if err := backend.Create(b.Context(), spec); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := backend.Destroy(context.Background(), spec.ID); err != nil {
			b.Error(err)
		}
	})
	if err := backend.Start(b.Context(), spec.ID); err != nil {
		b.Fatal(err)
	}
	dial := func(t testing.TB) *ssh.Client {
		t.Helper()
		client, err := guestssh.Connect(t.Context(), backend, spec.ID, "root", public, signer)
		if err != nil {
			t.Fatal(err)
		}
		return client
	}
	client := dial(b)
	b.Cleanup(func() { _ = client.Close() })
	return benchGuest{client, dial}
}

func timed(what func()) time.Duration {
	begun := time.Now()
	what()
	return time.Since(begun)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func exec(b *testing.B, client *ssh.Client, command string) {
	b.Helper()
	session, err := client.NewSession()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	if err := session.Run(command); err != nil {
		b.Fatal(err)
	}
}
