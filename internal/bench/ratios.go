package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// ratio is a benchmark of a package that takes turns with its reference, and
// reports the medians of both and of their ratio, as metrics.
type ratio struct {
	Result
	pkg, benchmark   string
	value, reference string // metrics, in ns
	rate             string // metric, a second; empty where it says nothing
}

var (
	compiling = ratio{pkg: "./content", benchmark: "BenchmarkRatio", value: "compile-ns", reference: "goldmark-ns",
		Result: Result{Name: "compile: a tutorial of 200 blocks", Goal: 2,
			Against: "bare goldmark with GFM on the same text; both without highlighting"}}
	launching = ratio{pkg: "./lti", benchmark: "BenchmarkLaunchRatio", value: "launch-ns", reference: "verify-ns", rate: "launches/s",
		Result: Result{Name: "launch: verified, with the platform's keys in the cache", Goal: 5,
			Against: "one bare RS256 verification of the same token"}}
	sending = ratio{pkg: "./server/outbox", benchmark: "BenchmarkOutboxRatio", value: "mark-ns", reference: "post-ns", rate: "marks/s",
		Result: Result{Name: "mark: through the outbox, durably, to a platform on loopback", Goal: 20,
			Against: "a bare HTTP post of the same size, as many at a time"}}
	previewing = ratio{pkg: "./server/preview", benchmark: "BenchmarkSaveRatio", value: "save-ns", reference: "load-ns",
		Result: Result{Name: "preview: from a save to the new page at a client, 200 blocks", Goal: 12,
			Against: "reading the course once"}}
)

func (b *bench) preview(ctx context.Context) error { return b.turns(ctx, previewing) }
func (b *bench) compile(ctx context.Context) error { return b.turns(ctx, compiling) }
func (b *bench) launch(ctx context.Context) error  { return b.turns(ctx, launching) }
func (b *bench) outbox(ctx context.Context) error  { return b.turns(ctx, sending) }

// turns runs a benchmark of another package and adds what it reports.
func (b *bench) turns(ctx context.Context, r ratio) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^"+r.benchmark+"$", "-benchtime", "3s", r.pkg)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s of %s: %w\n%s", r.benchmark, r.pkg, err, out)
	}
	result, err := r.read(string(out))
	if err != nil {
		return err
	}
	b.add(result)
	return nil
}

// read finds the metrics in what go test has printed.
func (r ratio) read(out string) (Result, error) {
	found := r.Result
	found.Unit = "s"
	metrics := map[string]*float64{r.value: &found.Value, r.reference: &found.Reference, "ratio": &found.Ratio}
	if r.rate != "" {
		metrics[r.rate] = &found.Rate
	}
	for unit, to := range metrics {
		m := regexp.MustCompile(`\s([0-9.e+]+) ` + regexp.QuoteMeta(unit) + `\s`).FindStringSubmatch(out)
		if m == nil {
			return found, fmt.Errorf("%s of %s does not tell %s:\n%s", r.benchmark, r.pkg, unit, out)
		}
		var err error
		if *to, err = strconv.ParseFloat(m[1], 64); err != nil {
			return found, fmt.Errorf("%s of %s, %s: %w", r.benchmark, r.pkg, unit, err)
		}
	}
	found.Value, found.Reference = found.Value/1e9, found.Reference/1e9
	return found, nil
}

// splitNumbers reads "30,140"; what is no number is passed over.
func splitNumbers(list string) []int {
	var out []int
	for _, field := range strings.Split(list, ",") {
		if n, err := strconv.Atoi(strings.TrimSpace(field)); err == nil && n > 0 {
			out = append(out, n)
		}
	}
	return out
}
