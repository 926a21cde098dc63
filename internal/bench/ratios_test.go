package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// printed is what go test prints of a launch's benchmark.
const printed = "goos: linux\nBenchmarkLaunchRatio-2   \t    7064\t    163462 ns/op\t     94839 launch-ns\t     10544 launches/s\t" +
	"         3.260 ratio\t     28955 verify-ns\nPASS\n"

func TestBenchmarksOfPackagesAreRead(t *testing.T) {
	r, err := launching.read(printed)
	if err != nil {
		t.Fatal(err)
	}
	if r.Value != 94839e-9 || r.Reference != 28955e-9 || r.Ratio != 3.26 || r.Rate != 10544 || r.Unit != "s" || r.Goal != 5 {
		t.Errorf("read %+v", r)
	}
	page := report([]Result{r}, "/boot/linux")
	want := "| launch: verified, with the platform's keys in the cache | 0.0948 ms (10544 a second) |"
	if !strings.Contains(page, want) || !strings.Contains(page, "| 3.26 | ≤ 5 |") {
		t.Errorf("the page lacks %q:\n%s", want, page)
	}
	if _, err := launching.read(strings.Replace(printed, "verify-ns", "other-ns", 1)); err == nil || !strings.Contains(err.Error(), "verify-ns") {
		t.Errorf("a metric that is missing: %v", err)
	}
}

// TestBenchmarksExist asks the packages, without running anything.
func TestBenchmarksExist(t *testing.T) {
	for _, r := range []ratio{compiling, launching, sending} {
		out, err := exec.CommandContext(t.Context(), "go", "test", "-list", "^"+r.benchmark+"$", "../../"+r.pkg).CombinedOutput()
		if err != nil || !strings.Contains(string(out), r.benchmark+"\n") {
			t.Errorf("%s of %s: %v\n%s", r.benchmark, r.pkg, err, out)
		}
	}
}

func TestPartsKeepTheOthersResults(t *testing.T) {
	names := func(results []Result) (out []string) {
		for _, r := range results {
			out = append(out, r.Name)
		}
		return out
	}
	before := []Result{{Name: "compile"}, {Name: "guest", Ratio: 1}, {Name: "class"}}
	once := merge(before, []Result{{Name: "launch", Ratio: 3}, {Name: "mark", Ratio: 9}})
	twice := merge(once, []Result{{Name: "launch", Ratio: 4}, {Name: "mark", Ratio: 8}})
	if want := []string{"compile", "launch", "mark", "guest", "class"}; !slices.Equal(names(once), want) || !slices.Equal(names(twice), want) {
		t.Errorf("first %v, then %v", names(once), names(twice))
	}
	if twice[1].Ratio != 4 || twice[3].Ratio != 1 {
		t.Errorf("ratios: %+v", twice)
	}
	if chosen, err := choose("outbox,launch"); err != nil || len(chosen) != 2 || chosen[0].name != "launch" {
		t.Errorf("chose %+v, %v", chosen, err)
	}
	if _, err := choose("lunch"); err == nil || !strings.Contains(err.Error(), "lunch") {
		t.Errorf("a part that is none: %v", err)
	}
}
