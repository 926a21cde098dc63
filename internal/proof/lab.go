package proof

import (
	"context"
	"sync"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
)

// Lab gives fresh guests.
type Lab interface {
	// Fresh boots all machines of a tutorial, as a new student finds them before
	// any setup. Close them in the end, whatever became of ctx.
	Fresh(ctx context.Context, t *content.Tutorial) (Machines, error)
}

// Machines are the guests of one student in one tutorial.
type Machines interface {
	// Run runs a script in the guest of that name.
	Run(ctx context.Context, guest string, s checks.Script) checks.Result
	// Prepare runs a setup block.
	Prepare(ctx context.Context, s *content.Setup, values content.Values) checks.Result
	// Enter gives the networks the shape that they have at a step.
	Enter(ctx context.Context, step string) error
	Close()
}

// prover is what all tutorials of one proof share.
type prover struct {
	course *content.Course
	o      Options
	slots  chan struct{}
	giveUp context.CancelCauseFunc

	mu           sync.Mutex // also keeps events apart
	labs, guests int
}

func newProver(course *content.Course, o Options) *prover {
	return &prover{course: course, o: o, slots: make(chan struct{}, max(1, o.Parallel))}
}

// tell passes an event on.
func (p *prover) tell(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.o.Report != nil {
		p.o.Report(e)
	}
}

func (p *prover) used() (labs, guests int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.labs, p.guests
}

// take waits until there may be one more lab.
func (p *prover) take(ctx context.Context, t *content.Tutorial) (release func(), err error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if ctx.Err() != nil { // select chooses by chance
		<-p.slots
		return nil, context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.labs++
	p.guests += len(t.Guests)
	return func() { <-p.slots }, nil
}
