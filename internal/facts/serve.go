package facts

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Question is what the agent is asked, as JSON.
type Question struct {
	// Facts are filled.
	Facts []Fact `json:"facts"`
	// Vars are for the environment of commands.
	Vars map[string]string `json:"vars,omitempty"`
	// Time bounds the looking.
	Time time.Duration `json:"time"`
}

// Reply is its answer: one finding for each fact.
type Reply struct {
	Findings []Finding `json:"findings"`
}

// MaxQuestion is how long a question may be, in bytes.
const MaxQuestion = 1 << 20

// Serve reads one question, looks, and writes the reply.
func Serve(ctx context.Context, in io.Reader, out io.Writer, m Machine) error {
	var q Question
	if err := json.NewDecoder(io.LimitReader(in, MaxQuestion)).Decode(&q); err != nil {
		return fmt.Errorf("the question can't be read: %w", err)
	}
	if len(q.Facts) > MaxFacts {
		return fmt.Errorf("%d facts are more than %d", len(q.Facts), MaxFacts)
	}
	if q.Time > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, q.Time)
		defer cancel()
	}
	m.Vars = q.Vars
	return json.NewEncoder(out).Encode(Reply{m.Look(ctx, q.Facts)})
}

// NeedsShell says whether one of the facts is a command.
func NeedsShell(list []Fact) bool {
	for _, f := range list {
		if f.Kind == "command" || f.Not != nil && NeedsShell([]Fact{*f.Not}) || NeedsShell(f.Any) {
			return true
		}
	}
	return false
}
