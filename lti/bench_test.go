package lti

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// launching prepares a whole launch: state, cookie, token, claims, and Once
// in memory.
func launching(b *testing.B) func() {
	b.Helper()
	s := mustScene(b)
	login, err := s.begin()
	if err != nil {
		b.Fatal(err)
	}
	payload, err := json.Marshal(s.timed())
	if err != nil {
		b.Fatal(err)
	}
	request := LaunchRequest{IDToken: signToken(s.key, s.header, payload), State: s.redirect.Get("state"), Cookies: []*http.Cookie{login.Cookie}}
	return func() {
		clear(s.used) // so that the same launch is new again
		if _, err := s.tool.Launch(b.Context(), request); err != nil {
			b.Fatal(err)
		}
	}
}

// verifying checks the signature of the same token and nothing else.
func verifying(b *testing.B) func() {
	b.Helper()
	s := mustScene(b)
	payload, err := json.Marshal(s.claims)
	if err != nil {
		b.Fatal(err)
	}
	token := signToken(s.key, s.header, payload)
	dot := strings.LastIndex(token, ".")
	signature, err := unpadded.DecodeString(token[dot+1:])
	if err != nil {
		b.Fatal(err)
	}
	return func() {
		sum := sha256.Sum256([]byte(token[:dot]))
		if err := rsa.VerifyPKCS1v15(&platformKey1().PublicKey, crypto.SHA256, sum[:], signature); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLaunch verifies a launch of Moodle, with keys in the cache.
func BenchmarkLaunch(b *testing.B) {
	launch := launching(b)
	for b.Loop() {
		launch()
	}
}

// BenchmarkRS256Verify is what no launch can do without.
func BenchmarkRS256Verify(b *testing.B) {
	verify := verifying(b)
	for b.Loop() {
		verify()
	}
}

// BenchmarkLaunchRatio takes turns, and reports the medians of both and of
// the ratios of neighbouring turns, in one run.
func BenchmarkLaunchRatio(b *testing.B) {
	launch, verify := launching(b), verifying(b)
	seconds := func(work func()) float64 {
		start := time.Now()
		work()
		return time.Since(start).Seconds()
	}
	var launches, verifications, ratios []float64
	for b.Loop() {
		l, v := seconds(launch), seconds(verify)
		launches, verifications, ratios = append(launches, l), append(verifications, v), append(ratios, l/v)
	}
	median := func(x []float64) float64 { slices.Sort(x); return x[len(x)/2] }
	b.ReportMetric(1e9*median(launches), "launch-ns")
	b.ReportMetric(1e9*median(verifications), "verify-ns")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(1/median(launches), "launches/s")
}
