package proof

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/labmark/labmark/content"
)

// trial proves one tutorial.
type trial struct {
	*prover
	t      *content.Tutorial
	values content.Values

	mu      sync.Mutex
	results []Result
	started time.Time
	took    time.Duration
	// broken is the first check, by its place in t.Checks, whose solution does
	// not work: what builds on it can't be tried.
	broken int
	// setupFailed is set where nothing can be tried.
	setupFailed bool
}

func newTrial(p *prover, t *content.Tutorial) *trial {
	return &trial{prover: p, t: t, values: t.Draw([]byte(p.o.Seed), p.course.ID, student), broken: len(t.Checks)}
}

// prove tries everything, what can be at the same time at the same time.
func (tr *trial) prove(ctx context.Context) {
	tr.started = time.Now()
	tr.plan(Setup, len(tr.t.Setups))
	tr.questions()
	if len(tr.t.Setups) > 0 || slices.ContainsFunc(tr.t.Checks, inGuest) {
		tr.plan(Start, tr.count(inGuest))
		tr.plan(Solution, tr.count(inGuest))
		tr.job(ctx, tr.atStart)
		tr.job(ctx, tr.solveAll)
		var jobs sync.WaitGroup
		for _, f := range append(tr.mistakes(), tr.mutations()...) {
			jobs.Go(func() { tr.job(ctx, f) })
		}
		jobs.Wait()
	}
	tr.took = time.Since(tr.started)
	tr.tell(Event{Tutorial: tr.t.ID, Finished: true})
}

// inGuest says whether a check is decided in a guest.
func inGuest(c *content.Check) bool {
	return c.Question == nil || c.Script != "" || len(c.Facts) > 0
}

func (tr *trial) count(which func(*content.Check) bool) (n int) {
	for _, c := range tr.t.Checks {
		if which(c) {
			n++
		}
	}
	return n
}

// errNoSetup ends a visit whose setup failed.
var errNoSetup = errors.New("the setup failed")

// retries is how often a job begins anew after a lab broke down.
const retries = 2

// job does something in a lab of its own. A lab that breaks down is not the
// course's fault: the job begins anew, and gives up the whole proof in the end.
func (tr *trial) job(ctx context.Context, do func(context.Context, *visit) ([]Result, error)) {
	for try := 0; ; try++ {
		results, err := tr.inLab(ctx, do)
		switch {
		case err == nil || errors.Is(err, errNoSetup):
			for _, r := range results {
				tr.add(r)
			}
			return
		case ctx.Err() != nil:
			return
		case try >= retries:
			tr.giveUp(fmt.Errorf("tutorial %s: %w", tr.t.ID, err))
			return
		}
	}
}

func (tr *trial) inLab(ctx context.Context, do func(context.Context, *visit) ([]Result, error)) ([]Result, error) {
	release, err := tr.take(ctx, tr.t)
	if err != nil {
		return nil, err
	}
	defer release()
	machines, err := tr.o.Lab.Fresh(ctx, tr.t)
	if err != nil {
		return nil, err
	}
	defer machines.Close()
	return do(ctx, &visit{trial: tr, machines: machines, begun: time.Now(), step: -1})
}

func (tr *trial) plan(kind Kind, n int) {
	if n > 0 {
		tr.tell(Event{Tutorial: tr.t.ID, Kind: kind, Planned: n})
	}
}

func (tr *trial) add(r Result) {
	r.Tutorial = tr.t.ID
	tr.mu.Lock()
	tr.results = append(tr.results, r)
	tr.mu.Unlock()
	tr.tell(Event{Tutorial: tr.t.ID, Kind: r.Kind, Result: &r})
}

func (tr *trial) report() Tutorial {
	slices.SortStableFunc(tr.results, func(a, b Result) int {
		return cmp.Or(cmp.Compare(slices.Index(Kinds, a.Kind), slices.Index(Kinds, b.Kind)),
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return Tutorial{ID: tr.t.ID, Title: tr.values.Fill(tr.t.Title), Results: tr.results, Took: tr.took}
}
