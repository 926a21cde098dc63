package outbox

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/store"
)

func TestAnswerThatIsLost(t *testing.T) {
	inBed(t, 1, func(b *bed) {
		b.lms.lost = func(op, _ string) error {
			if op == lti.OpScore {
				return noAnswer(op)
			}
			return nil
		}
		b.mark("s1", 4)
		g := b.becomes("s1", store.OutboxSent, time.Minute)
		b.shows("s1", 4)
		if n := b.lms.count(lti.OpScore); n != 1 || b.lms.count(lti.OpResults) != 1 || g.Sent.Score != 4 {
			t.Errorf("%d scores were posted, want 1; %d results read", n, b.lms.count(lti.OpResults))
		}
	})
}

func TestAnswerThatIsLostOfAnOlderGrade(t *testing.T) {
	inBed(t, 1, func(b *bed) {
		b.lms.lost = func(op, _ string) error {
			if op == lti.OpScore {
				return answered(op, http.StatusBadGateway)
			}
			return nil
		}
		b.mark("s1", 4)
		time.Sleep(time.Second)
		b.lms.set(func() { b.lms.lost = nil })
		b.mark("s1", 5)
		b.becomes("s1", store.OutboxSent, time.Minute)
		b.shows("s1", 5)
		if n := len(b.lms.accepted("s1")); n != 2 {
			t.Errorf("%d scores were accepted, want 2", n)
		}
	})
}

func TestScoreThatDidNotArrive(t *testing.T) {
	inBed(t, 1, func(b *bed) {
		b.lms.fault = func(op, _ string) error {
			if op == lti.OpScore {
				return noAnswer(op)
			}
			return nil
		}
		b.mark("s1", 4)
		time.Sleep(time.Second)
		flying := b.row("s1").FlyingAt
		b.lms.set(func() { b.lms.fault = nil })
		b.becomes("s1", store.OutboxSent, time.Minute)
		b.shows("s1", 4)
		// Had the first been late, not lost, the platform would take only one.
		if p := b.lms.accepted("s1"); flying == nil || len(p) != 1 || !p[0].At.Equal(*flying) {
			t.Errorf("posted again as %+v, first with %v", p, flying)
		}
	})
}

func TestPlatformThatDoesNotShowResults(t *testing.T) {
	inBed(t, 1, func(b *bed) {
		b.lms.fault = func(op, _ string) error {
			if op == lti.OpResults {
				return &lti.ServiceError{Op: lti.OpToken, Status: http.StatusBadRequest, Err: lti.ErrScope}
			}
			return nil
		}
		b.lms.lost = func(op, _ string) error {
			if op == lti.OpScore {
				return noAnswer(op)
			}
			return nil
		}
		b.mark("s1", 4)
		time.Sleep(time.Second)
		b.lms.set(func() { b.lms.lost = nil })
		b.becomes("s1", store.OutboxSent, time.Minute)
		b.shows("s1", 4)
		if n := len(b.lms.accepted("s1")); n != 1 {
			t.Errorf("%d scores were accepted, want 1", n)
		}
	})
}

func TestUnsureAndThenResultsFail(t *testing.T) {
	inBed(t, 1, func(b *bed) {
		b.lms.lost = func(op, _ string) error {
			if op == lti.OpScore {
				return noAnswer(op)
			}
			return nil
		}
		b.lms.fault = func(op, _ string) error {
			if op == lti.OpResults {
				return answered(op, http.StatusServiceUnavailable)
			}
			return nil
		}
		b.mark("s1", 4)
		time.Sleep(10 * time.Minute)
		if g := b.row("s1"); g.FlyingAt == nil || g.State != store.OutboxWaiting {
			t.Errorf("the doubt was forgotten: %+v", g)
		}
		b.lms.set(func() { b.lms.fault = nil })
		b.becomes("s1", store.OutboxSent, time.Hour)
		if n := b.lms.count(lti.OpScore); n != 1 {
			t.Errorf("%d scores were posted, want 1", n)
		}
	})
}

// TestGatewayThatEndsWhileItSends stops the outbox in the middle of a request,
// and starts it again.
func TestGatewayThatEndsWhileItSends(t *testing.T) {
	for _, arrives := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := mustBed(t, 1)
			stop := b.run()
			b.lms.set(func() {
				b.lms.latency = time.Second
				fail := func(op, _ string) error {
					if op == lti.OpScore {
						return noAnswer(op)
					}
					return nil
				}
				if arrives {
					b.lms.lost = fail
				} else {
					b.lms.fault = fail
				}
			})
			b.mark("s1", 4)
			time.Sleep(1500 * time.Millisecond)
			if s := b.row("s1").State; s != store.OutboxSending {
				t.Errorf("while it is sent the state is %s", s)
			}
			stop()
			if s := b.row("s1").State; s != store.OutboxSending {
				t.Errorf("after the gateway has ended the state is %s", s)
			}
			b.lms.set(func() { b.lms.lost, b.lms.fault = nil, nil })
			stop = b.run()
			b.becomes("s1", store.OutboxSent, 20*time.Second)
			b.shows("s1", 4)
			if n := len(b.lms.accepted("s1")); n != 1 {
				t.Errorf("%d scores were accepted, want 1", n)
			}
			stop()
			b.store.Close()
		})
	}
}

func TestWhatAResultShows(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 0, 0, 500e6, time.UTC)
	score := func(x float64) *float64 { return &x }
	seven := store.Sending{Score: 7, Max: 9, Comment: "7 <of> 9"}
	for _, tt := range []struct {
		name string
		r    lti.Result
		s    store.Sending
		want bool
	}{
		{"rounded to five decimals", lti.Result{Score: score(77.77778), Maximum: 100}, seven, true},
		{"another score", lti.Result{Score: score(77.7), Maximum: 100}, seven, false},
		{"comment as HTML", lti.Result{Score: score(7), Maximum: 9, Comment: " 7 &lt;of&gt;\n9"}, seven, true},
		{"another comment", lti.Result{Score: score(7), Maximum: 9, Comment: "6 of 9"}, seven, false},
		{"its timestamp, in whole seconds", lti.Result{Score: score(7), Maximum: 9, At: at.Truncate(time.Second)}, seven, true},
		{"another timestamp", lti.Result{Score: score(7), Maximum: 9, At: at.Add(-time.Minute)}, seven, false},
		{"no score", lti.Result{Maximum: 9}, seven, false},
		{"no score, for zero", lti.Result{Maximum: 9}, store.Sending{Max: 9}, true},
		{"no score, for a cleared one", lti.Result{Maximum: 9}, store.Sending{Cleared: true}, true},
		{"a score, for a cleared one", lti.Result{Score: score(7), Maximum: 9}, store.Sending{Cleared: true}, false},
		{"clipped to the maximum", lti.Result{Score: score(10), Maximum: 10}, store.Sending{Score: 11, Max: 10}, true},
	} {
		if got := shows(tt.r, tt.s, at); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
