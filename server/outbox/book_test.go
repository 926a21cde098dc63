package outbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/labmark/labmark/lti"
)

// post is one score that a platform was given.
type post struct {
	lti.Score
	item     string
	accepted bool
	when     time.Time
}

// book is a platform's gradebook, with Moodle's rule for timestamps. Its
// faults are set by the test.
type book struct {
	mu      sync.Mutex
	items   []lti.LineItem
	shown   map[string]lti.Result // by line item and user
	posts   []post
	calls   map[string]int
	flying  int
	most    int // requests at a time
	clock   time.Duration
	latency time.Duration
	// fault, if not nil, may fail a call before it is carried out; lost, after.
	fault, lost func(op, user string) error
}

func (b *book) call(op, user string) (func(error) error, error) {
	b.mu.Lock()
	b.calls[op]++
	b.flying++
	b.most = max(b.most, b.flying)
	fault, lost, latency := b.fault, b.lost, b.latency
	b.mu.Unlock()
	time.Sleep(latency)
	b.mu.Lock()
	end := func(err error) error {
		b.flying--
		b.mu.Unlock()
		if err == nil && lost != nil {
			return lost(op, user)
		}
		return err
	}
	if fault != nil {
		if err := fault(op, user); err != nil {
			return nil, end(err)
		}
	}
	return end, nil
}

func answered(op string, status int) error { return &lti.ServiceError{Op: op, Status: status} }

func noAnswer(op string) error { return &lti.ServiceError{Op: op, Err: io.ErrUnexpectedEOF} }

func (b *book) Ready(context.Context, lti.Platform) error {
	end, err := b.call(lti.OpToken, "")
	if err != nil {
		return err
	}
	return end(nil)
}

func (b *book) Clock(lti.Platform) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock
}

func (b *book) LineItems(_ context.Context, _ lti.Platform, _ string, f lti.LineItemFilter) (out []lti.LineItem, err error) {
	end, err := b.call(lti.OpLineItems, "")
	if err != nil {
		return nil, err
	}
	for _, i := range b.items {
		if (f.ResourceLinkID == "" || f.ResourceLinkID == i.ResourceLinkID) && (f.ResourceID == "" || f.ResourceID == i.ResourceID) {
			out = append(out, i)
		}
	}
	return out, end(nil)
}

func (b *book) AddLineItem(_ context.Context, _ lti.Platform, url string, item lti.LineItem) (lti.LineItem, error) {
	end, err := b.call(lti.OpAdd, item.ResourceLinkID)
	if err != nil {
		return lti.LineItem{}, err
	}
	item.URL = fmt.Sprintf("%s/%d", url, b.calls[lti.OpAdd])
	b.items = append(b.items, item)
	return item, end(nil)
}

func (b *book) Score(_ context.Context, _ lti.Platform, item string, s lti.Score) error {
	end, err := b.call(lti.OpScore, s.UserID)
	if err != nil {
		return err
	}
	b.posts = append(b.posts, post{Score: s, item: item, when: time.Now()})
	p := &b.posts[len(b.posts)-1]
	last, known := b.shown[item+" "+s.UserID]
	if known && s.At.Unix() <= last.At.Unix() {
		return end(answered(lti.OpScore, http.StatusConflict))
	}
	p.accepted = true
	r := lti.Result{UserID: s.UserID, Maximum: 100, Comment: s.Comment, At: s.At}
	if !s.Cleared {
		given := s.Given / s.Maximum * 100
		r.Score = &given
	}
	b.shown[item+" "+s.UserID] = r
	return end(nil)
}

func (b *book) Results(_ context.Context, _ lti.Platform, item, user string) ([]lti.Result, error) {
	end, err := b.call(lti.OpResults, user)
	if err != nil {
		return nil, err
	}
	var out []lti.Result
	if r, known := b.shown[item+" "+user]; known {
		out = append(out, r)
	}
	return out, end(nil)
}

// set changes the platform between calls.
func (b *book) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *book) count(op string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls[op]
}

// accepted are the posts that a user's grade was made of.
func (b *book) accepted(user string) (out []post) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.posts {
		if p.accepted && p.UserID == user {
			out = append(out, p)
		}
	}
	return out
}
