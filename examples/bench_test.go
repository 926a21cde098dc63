package examples_test

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
)

// BenchmarkCheck compares, turn by turn in one guest, a check on a kept
// connection with a bare exec of the same script on it, and with an exec on a
// new connection each time. Read the ratios of the medians.
func BenchmarkCheck(b *testing.B) {
	const body = `test -d /etc && test "$(stat -c %U /etc)" = root`
	guest := open(b).start(b, "bench", "lab")
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
