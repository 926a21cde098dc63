package checks_test

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
)

const benchBody = "x=$(cat /etc/hostname); test -n \"$x\""

// BenchmarkCheck compares, turn by turn, a check with a bare exec of the same
// script on the same connection, and with one on a new connection. The server
// is in this process, so that what is left is the price of checks themselves.
func BenchmarkCheck(b *testing.B) {
	client := dialAgent(b)
	script := checks.Script{Body: benchBody, FailMessage: "No $x"}
	var raw, check, anew []time.Duration
	for b.Loop() {
		raw = append(raw, timed(func() { rawExec(b, client) }))
		check = append(check, timed(func() {
			if r := checks.Run(b.Context(), client, script); r.Verdict != checks.Pass {
				b.Fatal(r.Message, r.Err)
			}
		}))
		anew = append(anew, timed(func() {
			other := dialAgent(b)
			rawExec(b, other)
			_ = other.Close()
		}))
	}
	base := median(raw)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(base.Microseconds())/1000, "raw-ms")
	b.ReportMetric(float64(median(check))/float64(base), "check/raw")
	b.ReportMetric(float64(median(anew))/float64(base), "new-connection/raw")
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
