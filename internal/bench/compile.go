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

// compile runs the benchmark of package content that compiles a tutorial of
// 200 blocks and, in turns, gives the same text to bare goldmark.
func (b *bench) compile(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkRatio$", "./content")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("benchmark of content: %w\n%s", err, out)
	}
	r := Result{Name: "compile: a tutorial of 200 blocks", Unit: "s", Goal: 2,
		Against: "bare goldmark with GFM on the same text; both without highlighting"}
	for unit, to := range map[string]*float64{"compile-ns": &r.Value, "goldmark-ns": &r.Reference, "ratio": &r.Ratio} {
		m := regexp.MustCompile(`([0-9.]+) ` + unit).FindSubmatch(out)
		if m == nil {
			return fmt.Errorf("the benchmark of content does not tell %s:\n%s", unit, out)
		}
		if *to, err = strconv.ParseFloat(string(m[1]), 64); err != nil {
			return err
		}
	}
	r.Value, r.Reference = r.Value/1e9, r.Reference/1e9
	b.add(r)
	return nil
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
