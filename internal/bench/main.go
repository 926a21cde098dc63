// Command bench measures Labmark against references on the same machine, in
// one run, and writes bench.json and docs/performance.md. Times depend on the
// machine; the ratios are what counts.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/uml"
)

// Result is one line of bench.json. Lower is better, for values and ratios.
type Result struct {
	Name string `json:"name"`
	// Value and Reference are medians, in Unit.
	Value     float64 `json:"value"`
	Unit      string  `json:"unit"`
	Reference float64 `json:"reference"`
	// Ratio is the median of the ratios of pairs measured one after the other.
	Ratio float64 `json:"ratio"`
	// Rate is how many there are a second, where that is worth telling.
	Rate float64 `json:"per_second,omitempty"`
	// Goal is the highest ratio that is good enough; 0 is none.
	Goal float64 `json:"goal,omitempty"`
	// Against says what the reference is.
	Against string `json:"against"`
}

// bench is what all measurements share.
type bench struct {
	dir     string // for guests
	backend *uml.Backend
	images  *image.Store
	image   image.Image
	results []Result
	rounds  int
	classes []int
}

// part is some of the measurements, to be chosen by name.
type part struct {
	name    string
	measure func(*bench, context.Context) error
}

var parts = []part{
	{"compile", (*bench).compile}, {"preview", (*bench).preview}, {"launch", (*bench).launch}, {"outbox", (*bench).outbox},
	{"start", (*bench).start}, {"lease", (*bench).lease}, {"check", (*bench).check}, {"facts", (*bench).facts}, {"proof", (*bench).proof}, {"class", (*bench).class}, {"libvirt", (*bench).virtual},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	rounds := flag.Int("rounds", 7, "how many pairs each ratio is the median of")
	classes := flag.String("classes", "30,140", "how many guests to run at once, comma-separated")
	only := flag.String("only", "", "which parts to measure anew, comma-separated: compile, preview, launch, outbox, start, lease, check, facts, proof, class, libvirt; otherwise all")
	flag.Parse()
	if err := run(ctx, *rounds, *classes, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int, classes, only string) error {
	b := &bench{rounds: rounds, classes: splitNumbers(classes)}
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	if b.images, err = image.Open(""); err != nil {
		return err
	}
	if b.image, err = b.images.Resolve("debian-12"); err != nil {
		return err
	}
	// The path of a guest's socket must be short.
	if b.dir, err = os.MkdirTemp("", "lmb"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	b.backend, err = uml.New(uml.Config{Dir: filepath.Join(b.dir, "uml"), Images: b.images,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return err
	}
	defer b.backend.Close()
	for _, p := range chosen {
		if err := p.measure(b, ctx); err != nil {
			return err
		}
	}
	if only != "" {
		if err := b.keepOthers(); err != nil {
			return err
		}
	}
	return b.write()
}

// choose finds parts by their names; all if none is named.
func choose(only string) ([]part, error) {
	if only == "" {
		return parts, nil
	}
	names := strings.Split(only, ",")
	for _, name := range names {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == name }) {
			return nil, fmt.Errorf("-only %s: there is no part %q", only, name)
		}
	}
	return slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return !slices.Contains(names, p.name) }), nil
}

// keepOthers puts what was measured now among the results of the run before.
func (b *bench) keepOthers() error {
	text, err := os.ReadFile(written)
	if err != nil {
		return fmt.Errorf("%w (-only changes lines of a whole run: make bench first)", err)
	}
	var before []Result
	if err := json.Unmarshal(text, &before); err != nil {
		return fmt.Errorf("%s: %w", written, err)
	}
	b.results = merge(before, b.results)
	return nil
}

// merge replaces results by those of the same name, and adds what is new
// behind the first, which is of a part that comes before.
func merge(before, now []Result) []Result {
	out := slices.Clone(before)
	at := min(1, len(out))
	for _, r := range now {
		i := slices.IndexFunc(out, func(o Result) bool { return o.Name == r.Name })
		if i < 0 {
			out = slices.Insert(out, at, r)
			i = at
		} else {
			out[i] = r
		}
		at = i + 1
	}
	return out
}

// written is the file of results.
const written = "bench.json"

func (b *bench) write() error {
	out, err := json.MarshalIndent(b.results, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(written, append(out, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join("docs", "performance.md"), []byte(report(b.results, b.backend.Kernel())), 0o644)
}

func (b *bench) add(r Result) {
	b.results = append(b.results, r)
	fmt.Printf("%-62s %10.4g %-5s ratio %.3g", r.Name, r.Value, r.Unit, r.Ratio)
	if r.Goal > 0 {
		fmt.Printf(" (goal ≤ %g)", r.Goal)
	}
	fmt.Println()
}

// pairs measures value and reference in turn, after one round that does not
// count, and adds their medians. Both return seconds.
func (b *bench) pairs(r Result, rounds int, value, reference func() (time.Duration, error)) error {
	var values, references, ratios []float64
	for i := range rounds + 1 {
		v, err := value()
		if err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
		ref, err := reference()
		if err != nil {
			return fmt.Errorf("%s, reference: %w", r.Name, err)
		}
		if i > 0 {
			values, references = append(values, v.Seconds()), append(references, ref.Seconds())
			ratios = append(ratios, v.Seconds()/ref.Seconds())
		}
	}
	r.Unit, r.Value, r.Reference, r.Ratio = "s", median(values), median(references), median(ratios)
	b.add(r)
	return nil
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	if n := len(x); n%2 == 0 {
		return (x[n/2-1] + x[n/2]) / 2
	}
	return x[len(x)/2]
}

// timed measures one call.
func timed(f func() error) (time.Duration, error) {
	begun := time.Now()
	err := f()
	return time.Since(begun), err
}
