package checks_test

import (
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
)

// The three benchmarks are to be read as ratios: a check against a bare exec
// of the same script, and against a new connection for each.
func BenchmarkCheck(b *testing.B) {
	client := dialAgent(b)
	script := checks.Script{Body: benchBody, FailMessage: "No $x"}
	for b.Loop() {
		if r := checks.Run(b.Context(), client, script); r.Verdict != checks.Pass {
			b.Fatal(r.Message, r.Err)
		}
	}
}

const benchBody = "x=$(cat /etc/hostname); test -n \"$x\""

func BenchmarkRawExec(b *testing.B) {
	client := dialAgent(b)
	for b.Loop() {
		rawExec(b, client)
	}
}

func BenchmarkNewConnection(b *testing.B) {
	for b.Loop() {
		client := dialAgent(b)
		rawExec(b, client)
		_ = client.Close()
	}
}

func rawExec(b *testing.B, client *ssh.Client) {
	b.Helper()
	session, err := client.NewSession()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	if err := session.Run(benchBody); err != nil {
		b.Fatal(err)
	}
}
