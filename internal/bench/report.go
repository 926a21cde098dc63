package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// report writes docs/performance.md.
func report(results []Result, kernel string) string {
	var out strings.Builder
	fmt.Fprintf(&out, `# Performance

Written by `+"`make bench`"+`, on %d cores without KVM, with the kernel %s for guests. Machines differ and are shared: take the ratios, not the times. A ratio is the median over pairs measured one after the other; lower is better.

| what | value | reference | ratio | goal |
|---|---|---|---|---|
`, runtime.NumCPU(), filepath.Base(kernel))
	for _, r := range results {
		goal := "–"
		if r.Goal > 0 {
			goal = fmt.Sprintf("≤ %g", r.Goal)
			if r.Ratio > r.Goal {
				goal += " (missed)"
			}
		}
		value := amount(r.Value, r.Unit)
		switch {
		case r.Rate >= 10:
			value += fmt.Sprintf(" (%.0f a second)", r.Rate)
		case r.Rate > 0:
			value += fmt.Sprintf(" (%.0f a minute)", 60*r.Rate)
		}
		fmt.Fprintf(&out, "| %s | %s | %s (%s) | %.3g | %s |\n", r.Name, value, amount(r.Reference, r.Unit), r.Against, r.Ratio, goal)
	}
	out.WriteString(`
Tele-Lab "IT-Security" ran 30 User-Mode Linux guests in 1078 MB of memory (35.9 MB each) and 306 MB of disk (10.2 MB each). Memory here is the proportional set size of all processes of a guest, its supervisor included.

Beside the post, a mark through the outbox is two transactions that wait for the disk, shared by those who come at once, and the reads between them. A platform gets at most 20 marks a second, so the outbox is not what a class waits for.
`)
	return out.String()
}

func amount(v float64, unit string) string {
	if unit == "s" && v < 1 {
		return fmt.Sprintf("%.3g ms", 1000*v)
	}
	return fmt.Sprintf("%.3g %s", v, unit)
}
