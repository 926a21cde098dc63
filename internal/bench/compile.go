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

// compile runs the benchmarks of package content, which compile a tutorial of
// 200 blocks and give the same text to bare goldmark.
func (b *bench) compile(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^Benchmark(CompilePlain|GoldmarkPlain)$", "-count", strconv.Itoa(b.rounds), "./content")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("benchmarks of content: %w\n%s", err, out)
	}
	compile, goldmark := seconds(string(out), "CompilePlain"), seconds(string(out), "GoldmarkPlain")
	if len(compile) == 0 || len(compile) != len(goldmark) {
		return fmt.Errorf("benchmarks of content printed something else:\n%s", out)
	}
	var ratios []float64
	for i := range compile {
		ratios = append(ratios, compile[i]/goldmark[i])
	}
	b.add(Result{Name: "compile: a tutorial of 200 blocks", Unit: "s", Value: median(compile), Reference: median(goldmark),
		Ratio: median(ratios), Goal: 2, Against: "bare goldmark with GFM on the same text; both without highlighting"})
	return nil
}

// seconds finds the times of one benchmark in the output of go test.
func seconds(output, name string) []float64 {
	line := regexp.MustCompile(`(?m)^Benchmark` + name + `(?:-\d+)?\s+\d+\s+([0-9.]+) ns/op`)
	var times []float64
	for _, m := range line.FindAllStringSubmatch(output, -1) {
		if ns, err := strconv.ParseFloat(m[1], 64); err == nil {
			times = append(times, ns/1e9)
		}
	}
	return times
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
