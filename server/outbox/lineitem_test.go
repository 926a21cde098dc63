package outbox

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/store"
)

// inBedWithout is a bed whose link has no line item yet.
func inBedWithout(t *testing.T, students int, test func(*bed)) {
	inBed(t, students, func(b *bed) {
		b.lms.set(func() { b.lms.items = nil })
		if err := b.store.SetLineItem(b.t.Context(), b.link.ID, "", 0); err != nil {
			t.Fatal(err)
		}
		test(b)
	})
}

func TestLineItemIsMadeOnce(t *testing.T) {
	inBedWithout(t, 30, func(b *bed) {
		for n := range 30 {
			b.mark(fmt.Sprintf("s%d", n+1), 3)
		}
		for n := range 30 {
			b.becomes(fmt.Sprintf("s%d", n+1), store.OutboxSent, time.Minute)
		}
		b.shows("s30", 3)
		if len(b.lms.items) != 1 {
			t.Fatalf("%d line items were made, want 1", len(b.lms.items))
		}
		if i := b.lms.items[0]; i.Label != "Users" || i.Maximum != 10 || i.ResourceLinkID != "7" || !strings.HasPrefix(i.ResourceID, "c/t") {
			t.Errorf("made %+v", i)
		}
	})
}

func TestLineItemThatThePlatformHasMadeIsFound(t *testing.T) {
	inBedWithout(t, 1, func(b *bed) {
		b.lms.set(func() {
			b.lms.items = []lti.LineItem{{URL: itemURL + "/other", ResourceLinkID: "8"}, {URL: itemURL + "/coupled", ResourceLinkID: "7"}}
		})
		b.mark("s1", 3)
		b.becomes("s1", store.OutboxSent, time.Second)
		if p := b.lms.accepted("s1"); p[0].item != itemURL+"/coupled" || b.lms.count(lti.OpAdd) != 0 {
			t.Errorf("sent to %s; %d line items were made", p[0].item, b.lms.count(lti.OpAdd))
		}
	})
}

func TestLineItemOfWhichNoNoteWasTaken(t *testing.T) {
	inBedWithout(t, 1, func(b *bed) {
		// A Canvas that does not know the link, and a connection that breaks
		// after the line item was made.
		b.lms.fault = func(op, link string) error {
			if op == lti.OpAdd && link != "" {
				return answered(op, http.StatusNotFound)
			}
			return nil
		}
		b.lms.lost = func(op, _ string) error {
			if op == lti.OpAdd {
				return noAnswer(op)
			}
			return nil
		}
		b.mark("s1", 3)
		b.becomes("s1", store.OutboxSent, time.Minute)
		b.shows("s1", 3)
		if len(b.lms.items) != 1 {
			t.Errorf("%d line items were made, want 1", len(b.lms.items))
		}
	})
}

func TestPlatformInTroubleWhileALineItemIsMade(t *testing.T) {
	inBedWithout(t, 1, func(b *bed) {
		b.lms.fault = func(op, _ string) error {
			if op == lti.OpAdd {
				return answered(op, http.StatusServiceUnavailable)
			}
			return nil
		}
		b.mark("s1", 3)
		time.Sleep(time.Minute)
		if s := b.row("s1").State; s != store.OutboxWaiting {
			t.Errorf("the grade is %s, want it to wait", s)
		}
		b.lms.set(func() { b.lms.fault = nil })
		b.becomes("s1", store.OutboxSent, 10*time.Minute)
	})
}

func TestLineItemThatIsGone(t *testing.T) {
	inBed(t, 2, func(b *bed) {
		b.mark("s1", 3)
		b.mark("s2", 4)
		b.becomes("s1", store.OutboxSent, time.Second)
		b.becomes("s2", store.OutboxSent, time.Second)
		b.lms.set(func() {
			b.lms.items, b.lms.shown = nil, map[string]lti.Result{}
			b.lms.fault = func(op, _ string) error {
				if op == lti.OpScore && len(b.lms.items) == 0 {
					return answered(op, http.StatusNotFound)
				}
				return nil
			}
		})
		b.mark("s1", 5)
		b.becomes("s1", store.OutboxSent, 3*time.Second)
		b.shows("s1", 5)
		// The new column gets the others' grades too.
		time.Sleep(2 * revive)
		b.becomes("s2", store.OutboxSent, time.Second)
		b.shows("s2", 4)
		if len(b.lms.items) != 1 {
			t.Errorf("%d line items were made, want 1", len(b.lms.items))
		}
	})
}

func TestLineItemThatStaysGone(t *testing.T) {
	inBed(t, 2, func(b *bed) {
		b.lms.fault = func(op, _ string) error {
			if op == lti.OpScore {
				b.lms.items = nil
				return answered(op, http.StatusPreconditionFailed)
			}
			return nil
		}
		b.mark("s1", 5)
		b.mark("s2", 5)
		g := b.becomes("s1", store.OutboxRefused, 10*time.Second)
		b.becomes("s2", store.OutboxRefused, 10*time.Second)
		time.Sleep(10 * time.Minute)
		if n := b.lms.count(lti.OpAdd); n != 1 || !strings.Contains(g.Why, "gone") {
			t.Errorf("%d line items were made, want 1; why: %q", n, g.Why)
		}
	})
}

func TestPlatformWithoutGradebook(t *testing.T) {
	inBedWithout(t, 1, func(b *bed) {
		// SQL would be needed to take back what the launch told: a new bed has
		// its own context.
		sub := "s9"
		l, err := b.store.TakeLaunch(b.t.Context(), store.Launch{User: store.User{PlatformID: &b.platform.ID, Subject: &sub},
			Context: &store.Context{PlatformID: b.platform.ID, LTIID: "9"}, Membership: store.Membership{Learner: true},
			Link: &store.ResourceLink{LTIID: "1", Course: "c", Tutorial: "t"}})
		if err != nil {
			t.Fatal(err)
		}
		b.users[sub], b.context, b.link = l.User.ID, l.Context.ID, *l.Link
		b.mark(sub, 3)
		if g := b.becomes(sub, store.OutboxNowhere, time.Second); !strings.Contains(g.Why, "no gradebook") {
			t.Errorf("why: %q", g.Why)
		}
		time.Sleep(time.Hour)
		l.Context.LineItems = itemURL
		if _, err := b.store.TakeLaunch(b.t.Context(), l); err != nil {
			t.Fatal(err)
		}
		b.becomes(sub, store.OutboxSent, 2*revive)
		b.shows(sub, 3)
	})
}
