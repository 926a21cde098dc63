package lms

import (
	"context"
	"fmt"
	"math"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/store"
)

// Difference is a grade that the platform shows otherwise than it was sent.
// Scores are shares of the maximum, in [0,1]; nil is no grade.
type Difference struct {
	Link store.ResourceLink
	User uint
	Sent float64
	Of   float64 // points that the share was sent of
	Has  *float64
}

// Comparison is what became of comparing a context.
type Comparison struct {
	Same        int
	Differences []Difference
	// Unread says why the results of some links could not be read.
	Unread []string
}

// Compare reads back what the platform shows of a context (AGS 2.0, section
// 3.3) and compares it with what was sent. Somebody may have changed a grade
// by hand there, or the platform have lost it.
func (o *Office) Compare(ctx context.Context, contextID uint) (Comparison, error) {
	var out Comparison
	p, err := o.PlatformOf(ctx, contextID)
	if err != nil {
		return out, err
	}
	links, err := o.Store.Links(ctx, contextID)
	if err != nil {
		return out, err
	}
	members, err := o.Store.Members(ctx, contextID)
	if err != nil {
		return out, err
	}
	sent, err := o.Store.OutboxOf(ctx, contextID)
	if err != nil {
		return out, err
	}
	subjects := map[uint]string{}
	for _, m := range members {
		if m.Subject != nil {
			subjects[m.User.ID] = *m.Subject
		}
	}
	for _, l := range links {
		if l.LineItem == "" {
			continue
		}
		results, err := o.Client.Results(ctx, p, l.LineItem, "")
		if err != nil {
			out.Unread = append(out.Unread, fmt.Sprintf("%s: %v", l.Title, err))
			continue
		}
		out.compare(l, shares(results), sent, subjects)
	}
	return out, nil
}

// shares are results by subject.
func shares(results []lti.Result) map[string]*float64 {
	out := map[string]*float64{}
	for _, r := range results {
		if r.Score != nil && r.Maximum > 0 {
			share := *r.Score / r.Maximum
			out[r.UserID] = &share
		}
	}
	return out
}

func (c *Comparison) compare(l store.ResourceLink, has map[string]*float64, sent []store.OutboxGrade, subjects map[uint]string) {
	for _, g := range sent {
		if g.LinkID != l.ID || g.State != store.OutboxSent || g.Sent.Cleared || g.Sent.Max <= 0 {
			continue
		}
		share, got := g.Sent.Score/g.Sent.Max, has[subjects[g.UserID]]
		// Platforms round as they like, and Moodle says nothing of 0 points.
		if got != nil && math.Abs(*got-share) < 0.005 || got == nil && share == 0 {
			c.Same++
			continue
		}
		c.Differences = append(c.Differences, Difference{Link: l, User: g.UserID, Sent: share, Of: g.Sent.Max, Has: got})
	}
}
