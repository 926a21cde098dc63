package outbox

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
)

func TestGradeIsSentOnce(t *testing.T) {
	inBed(t, 1, func(b *bed) {
		b.mark("s1", 4)
		g := b.becomes("s1", store.OutboxSent, time.Second)
		b.shows("s1", 4)
		if g.SentAt == nil || g.SentVersion != g.Version || g.Sent.Score != 4 || g.FlyingAt != nil || b.changes() == 0 {
			t.Errorf("the outbox has %+v, told %d times", g, b.changes())
		}
		// The same grade again, by another attempt, is no news.
		b.mark("s1", 4)
		time.Sleep(time.Minute)
		if n := b.lms.count(lti.OpScore); n != 1 || b.row("s1").State != store.OutboxSent {
			t.Errorf("%d scores were posted, want 1; state %s", n, b.row("s1").State)
		}
		b.mark("s1", 5)
		b.becomes("s1", store.OutboxSent, 3*time.Second)
		b.shows("s1", 5)
	})
}

func TestNewestGradeWinsAndTimestampsGrow(t *testing.T) {
	inBed(t, 1, func(b *bed) {
		b.lms.set(func() { b.lms.latency = 300 * time.Millisecond })
		for points := range 10 {
			b.mark("s1", float64(points))
			time.Sleep(90 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		b.shows("s1", 9)
		var last time.Time
		for _, p := range b.lms.accepted("s1") {
			if p.At.Unix() <= last.Unix() || p.At.After(p.when) {
				t.Errorf("posted with %v at %v, after %v", p.At, p.when, last)
			}
			last = p.At
		}
		if n, m := b.lms.count(lti.OpScore), len(b.lms.accepted("s1")); n != m || n > 6 {
			t.Errorf("%d scores were posted and %d accepted", n, m)
		}
	})
}

func TestPausesGrowAndOthersGoOn(t *testing.T) {
	inBed(t, 2, func(b *bed) {
		var times []time.Time
		b.lms.fault = func(op, user string) error {
			if op != lti.OpScore || user != "s1" {
				return nil
			}
			times = append(times, time.Now())
			return answered(op, http.StatusInternalServerError)
		}
		b.mark("s1", 4)
		for n := range 9 {
			b.mark("s2", float64(n))
			time.Sleep(20 * time.Minute)
		}
		b.becomes("s2", store.OutboxSent, time.Minute)
		g := b.row("s1")
		if g.State != store.OutboxWaiting || !strings.Contains(g.Why, "in trouble (500)") || g.Tries < 8 || g.LastError == "" {
			t.Errorf("the outbox has %+v", g)
		}
		var pauses []time.Duration
		b.lms.set(func() {
			for i := 1; i < len(times); i++ {
				pauses = append(pauses, times[i].Sub(times[i-1]))
			}
			b.lms.fault = nil
		})
		if last := pauses[len(pauses)-1]; pauses[0] > 10*time.Second || last < 20*time.Minute || last > 45*time.Minute {
			t.Errorf("pauses were %v", pauses)
		}
		b.becomes("s1", store.OutboxSent, time.Hour)
		b.shows("s1", 4)
	})
}

func TestPlatformAsksForAPause(t *testing.T) {
	inBed(t, 3, func(b *bed) {
		asked := time.Now()
		b.lms.fault = func(op, _ string) error {
			if op == lti.OpScore && time.Since(asked) < 90*time.Second {
				return &lti.ServiceError{Op: op, Status: http.StatusTooManyRequests, RetryAfter: 90 * time.Second}
			}
			return nil
		}
		b.mark("s1", 1)
		time.Sleep(time.Second)
		b.mark("s2", 2)
		b.mark("s3", 3)
		time.Sleep(80 * time.Second)
		if n := b.lms.count(lti.OpScore); n != 1 || b.row("s1").Why != "The platform asks for a pause." {
			t.Errorf("the platform was asked %d times in its pause; %q", n, b.row("s1").Why)
		}
		for i, s := range []string{"s1", "s2", "s3"} {
			b.becomes(s, store.OutboxSent, time.Minute)
			b.shows(s, float64(i+1))
		}
	})
}

func TestPlatformDownForADay(t *testing.T) {
	const students = 60
	inBed(t, students, func(b *bed) {
		b.lms.fault = func(op, _ string) error { return &lti.ServiceError{Op: op, Err: errDown} }
		for n := 1; n <= students; n++ {
			b.mark(fmt.Sprintf("s%d", n), float64(n%10))
		}
		time.Sleep(time.Minute)
		for n := 1; n <= students; n += 20 {
			g := b.row(fmt.Sprintf("s%d", n))
			if g.State != store.OutboxWaiting || g.Why != "The platform does not answer." || !g.NextTry.After(time.Now()) {
				t.Errorf("a grade of a platform that is down: %+v", g)
			}
		}
		time.Sleep(24 * time.Hour)
		if n := b.lms.count(lti.OpToken); n > 24*60/4 {
			t.Errorf("a platform that is down was asked %d times in a day", n)
		}
		b.lms.set(func() { b.lms.fault = nil })
		for n := 1; n <= students; n++ {
			s := fmt.Sprintf("s%d", n)
			b.becomes(s, store.OutboxSent, 10*time.Minute)
			b.shows(s, float64(n%10))
		}
		if n := b.lms.count(lti.OpScore); n != students {
			t.Errorf("%d scores were posted for %d students", n, students)
		}
	})
}

func TestPaceAndParallel(t *testing.T) {
	inBed(t, 100, func(b *bed) {
		for _, id := range b.users {
			b.grades[id] = progress.Grade{Given: 1, Maximum: 10, At: time.Now()}
		}
		b.lms.set(func() { b.lms.latency = 20 * time.Millisecond })
		for n := range 100 {
			b.attempt(fmt.Sprintf("s%d", n+1))
		}
		b.Kick()
		time.Sleep(time.Minute)
		perSecond := map[int64]int{}
		b.lms.set(func() { // its lock
			for _, p := range b.lms.posts {
				perSecond[p.when.Unix()]++
			}
			if b.lms.most > 4 || len(b.lms.posts) != 100 {
				t.Errorf("%d requests at a time, want no more than 4; %d scores", b.lms.most, len(b.lms.posts))
			}
		})
		for at, n := range perSecond {
			if n > 20+4 {
				t.Errorf("%d scores in second %d, want 20", n, at)
			}
		}
	})
}

func TestRefusedGradeIsSetAside(t *testing.T) {
	inBed(t, 2, func(b *bed) {
		b.lms.fault = func(op, user string) error {
			if user == "s1" {
				return answered(op, http.StatusUnprocessableEntity)
			}
			return nil
		}
		b.mark("s1", 4)
		b.mark("s2", 5)
		g := b.becomes("s1", store.OutboxRefused, time.Second)
		b.becomes("s2", store.OutboxSent, time.Second)
		if !strings.Contains(g.Why, "still a student") {
			t.Errorf("why: %q", g.Why)
		}
		time.Sleep(24 * time.Hour)
		if n := b.lms.count(lti.OpScore); n != 2 {
			t.Errorf("%d scores were posted, want 2", n)
		}
		b.lms.set(func() { b.lms.fault = nil })
		if err := b.Retry(b.t.Context(), b.link.ID, b.users["s1"]); err != nil {
			t.Fatal(err)
		}
		b.becomes("s1", store.OutboxSent, time.Second)
		b.shows("s1", 4)
		if err := b.Retry(b.t.Context(), b.link.ID, b.users["s1"]); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("retrying what was sent: %v", err)
		}
	})
}

func TestStaleTimestampIsHealed(t *testing.T) {
	inBed(t, 1, func(b *bed) {
		// A grader's clock was three minutes ahead, or ours is behind.
		old := 10.0
		b.lms.shown[itemURL+"/0 s1"] = lti.Result{UserID: "s1", Score: &old, Maximum: 100, At: time.Now().Add(3 * time.Minute)}
		b.mark("s1", 4)
		b.becomes("s1", store.OutboxSent, time.Second)
		b.shows("s1", 4)
		b.mark("s1", 5)
		b.becomes("s1", store.OutboxSent, time.Second)
		b.shows("s1", 5)
	})
}

func TestClockOfThePlatformIsFollowed(t *testing.T) {
	inBed(t, 1, func(b *bed) {
		b.lms.set(func() { b.lms.clock = -5 * time.Minute })
		b.mark("s1", 4)
		b.becomes("s1", store.OutboxSent, time.Second)
		p := b.lms.accepted("s1")[0]
		if p.At.After(p.when.Add(b.lms.clock)) {
			t.Errorf("a score came from the platform's future: %v, where it is %v", p.At, p.when.Add(b.lms.clock))
		}
	})
}

func TestCanvasCountsOneAttempt(t *testing.T) {
	inBed(t, 1, func(b *bed) {
		b.mu.Lock()
		b.platform.Product = "canvas"
		b.mu.Unlock()
		for points := 1; points < 4; points++ {
			b.mark("s1", float64(points))
			b.becomes("s1", store.OutboxSent, 3*time.Second)
		}
		for i, p := range b.lms.accepted("s1") {
			if p.Submission == nil || p.Submission.New != (i == 0) || p.Submission.At.After(p.At) || (i == 0) == p.Submission.At.IsZero() {
				t.Errorf("score %d with %+v at %v", i, p.Submission, p.At)
			}
		}
	})
}

func TestExcused(t *testing.T) {
	inBed(t, 2, func(b *bed) {
		excused := progress.Grade{Maximum: 10, At: time.Now(), Excused: true}
		b.change("s1", excused)
		if g := b.becomes("s1", store.OutboxNowhere, time.Second); !strings.Contains(g.Why, "Excused") {
			t.Errorf("why: %q", g.Why)
		}
		b.mark("s2", 3)
		b.becomes("s2", store.OutboxSent, time.Second)
		time.Sleep(time.Second)
		b.change("s2", excused)
		b.becomes("s2", store.OutboxSent, 3*time.Second)
		if r := b.lms.shown[itemURL+"/0 s2"]; r.Score != nil || len(b.lms.accepted("s1")) != 0 {
			t.Errorf("the platform shows %+v, and has %d scores of who never had one", r, len(b.lms.accepted("s1")))
		}
	})
}

func TestNothingThatCountsIsNotSent(t *testing.T) {
	inBed(t, 1, func(b *bed) {
		b.change("s1", progress.Grade{Maximum: 10})
		b.becomes("s1", store.OutboxNowhere, time.Second)
		b.mark("s1", 2)
		b.becomes("s1", store.OutboxSent, time.Second)
		// The deadline was moved, so that nothing counts: the grade follows.
		b.change("s1", progress.Grade{Maximum: 10, Comment: "late"})
		time.Sleep(3 * time.Second)
		b.becomes("s1", store.OutboxSent, time.Second)
		b.shows("s1", 0)
	})
}

func TestPlatformThatIsSwitchedOff(t *testing.T) {
	inBed(t, 1, func(b *bed) {
		b.switchOff(errors.New("the platform LMS is disabled"))
		b.mark("s1", 2)
		time.Sleep(time.Hour)
		if g := b.row("s1"); g.State != store.OutboxWaiting || g.Why != "The platform LMS is disabled." || b.lms.count(lti.OpToken) != 0 {
			t.Errorf("the outbox has %+v", g)
		}
		b.switchOff(nil)
		if err := b.Wake(b.t.Context(), b.platform.ID); err != nil {
			t.Fatal(err)
		}
		b.becomes("s1", store.OutboxSent, time.Second)
	})
}
