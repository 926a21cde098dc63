package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/labmark/labmark/server/store/storetest"
)

// class is a context with links and learners.
type class struct {
	*Store
	t       *testing.T
	context uint
	user    map[string]uint
	link    map[string]uint
}

func mustClass(t *testing.T, database string) *class {
	t.Helper()
	s := mustOpen(t, database)
	p := Platform{Name: "P", Issuer: "https://p.test", ClientID: "c", State: PlatformActive}
	if err := s.AddPlatform(t.Context(), &p); err != nil {
		t.Fatal(err)
	}
	k := &class{Store: s, t: t, user: map[string]uint{}, link: map[string]uint{}}
	for i, show := range []string{"c/t", "c/u", "c/", "d/t"} {
		for _, who := range []string{"ann", "bob", "tess", "gone"} {
			l, err := s.TakeLaunch(t.Context(), Launch{User: User{PlatformID: &p.ID, Subject: &who},
				Context:    &Context{PlatformID: p.ID, LTIID: "2", LineItems: "https://p.test/items"},
				Membership: Membership{Learner: who != "tess", Instructor: who == "tess"},
				Link:       &ResourceLink{LTIID: fmt.Sprint(i), Course: show[:1], Tutorial: show[2:]}})
			if err != nil {
				t.Fatal(err)
			}
			k.context, k.user[who], k.link[show] = l.Context.ID, l.User.ID, l.Link.ID
		}
	}
	err := s.db.Model(&Membership{}).Where("user_id = ?", k.user["gone"]).Update("active", false).Error
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *class) attempt(who, course, tutorial string) {
	k.t.Helper()
	now := time.Now()
	a := Attempt{ID: fmt.Sprint(now.UnixNano()), UserID: k.user[who], ContextID: k.context, Course: course, Tutorial: tutorial, Check: "x"}
	if _, _, err := k.BeginAttempt(k.t.Context(), a); err != nil {
		k.t.Fatal(err)
	}
	a.Verdict, a.Score, a.EndedAt = "pass", 1, &now
	if err := k.FinishAttempt(k.t.Context(), a); err != nil {
		k.t.Fatal(err)
	}
}

// box is what stands in the outbox: "LINK USER VERSION STATE", in no order.
func (k *class) box() map[string]bool {
	k.t.Helper()
	all, err := k.OutboxOf(k.t.Context(), k.context)
	if err != nil {
		k.t.Fatal(err)
	}
	links, users := map[uint]string{}, map[uint]string{}
	for name, id := range k.link {
		links[id] = name
	}
	for name, id := range k.user {
		users[id] = name
	}
	out := map[string]bool{}
	for _, g := range all {
		out[fmt.Sprint(links[g.LinkID], " ", users[g.UserID], " ", g.Version, " ", g.State)] = true
	}
	return out
}

func (k *class) wants(when string, rows ...string) {
	k.t.Helper()
	want := map[string]bool{}
	for _, r := range rows {
		want[r] = true
	}
	if got := k.box(); fmt.Sprint(got) != fmt.Sprint(want) {
		k.t.Errorf("%s the outbox has %v\nwant %v", when, got, want)
	}
}

func TestAttemptsPutGradesIntoTheOutbox(t *testing.T) {
	storetest.Each(t, testAttemptsPutGradesIntoTheOutbox)
}

func testAttemptsPutGradesIntoTheOutbox(t *testing.T, database string) {
	k := mustClass(t, database)
	k.attempt("ann", "c", "t")
	k.wants("after one attempt", "c/t ann 1 waiting", "c/ ann 1 waiting")
	k.attempt("ann", "c", "t")
	k.attempt("tess", "c", "t")
	k.attempt("gone", "c", "t")
	k.attempt("bob", "x", "y")
	k.wants("after those of a teacher, of one who has left, and elsewhere", "c/t ann 2 waiting", "c/ ann 2 waiting")
	k.attempt("bob", "c", "u")
	if err := bumpOutbox(k.db, k.context, "c", "", nil); err != nil {
		t.Fatal(err)
	}
	k.wants("after a change for the whole course", "c/t ann 3 waiting", "c/ ann 3 waiting", "c/u bob 2 waiting", "c/ bob 2 waiting")
	bob := k.user["bob"]
	if err := bumpOutbox(k.db, k.context, "d", "t", &bob); err != nil {
		t.Fatal(err)
	}
	if !k.box()["d/t bob 1 waiting"] {
		t.Error("a mark by hand for somebody without attempts is not in the outbox")
	}
}

func TestLinkThatComesToShowSomethingElse(t *testing.T) {
	storetest.Each(t, testLinkThatComesToShowSomethingElse)
}

func testLinkThatComesToShowSomethingElse(t *testing.T, database string) {
	k := mustClass(t, database)
	k.attempt("ann", "c", "t")
	if err := k.SetLinkTarget(t.Context(), k.link["d/t"], "c", "t"); err != nil {
		t.Fatal(err)
	}
	if box := k.box(); !box["d/t ann 1 waiting"] {
		t.Errorf("the grade is not sent to the link that shows the tutorial now: %v", box)
	}
}

func TestGradeThatChangesWhileItIsSent(t *testing.T) {
	storetest.Each(t, testGradeThatChangesWhileItIsSent)
}

func testGradeThatChangesWhileItIsSent(t *testing.T, database string) {
	k := mustClass(t, database)
	k.attempt("ann", "c", "u")
	due := k.mustDue(time.Now())
	if len(due) != 2 || due[0].PlatformID == 0 {
		t.Fatalf("due are %+v", due)
	}
	g := k.row(due[0])
	g.State = OutboxSending
	stamp := time.Now().Truncate(time.Microsecond)
	g.LastTimestamp, g.FlyingAt, g.Flying = &stamp, &stamp, Sending{Score: 1, Max: 2, Comment: "c", To: "u"}
	k.mustSave(g)
	k.attempt("ann", "c", "u")
	g.State, g.SentVersion, g.Sent, g.SentAt, g.Flying, g.FlyingAt = OutboxSent, g.Version, g.Flying, &stamp, Sending{}, nil
	k.mustSave(g)
	got, err := k.OutboxGrade(t.Context(), g.LinkID, g.UserID)
	if err != nil || got.State != OutboxWaiting || got.SentVersion != 1 || got.Version != 2 || got.Sent != g.Sent || got.FlyingAt != nil ||
		got.LastTimestamp == nil || !got.LastTimestamp.Equal(stamp) {
		t.Errorf("the outbox has %+v, %v", got, err)
	}
	g.Version, g.SentVersion = 2, 2
	k.mustSave(g)
	if got, _ := k.OutboxGrade(t.Context(), g.LinkID, g.UserID); got.State != OutboxSent {
		t.Errorf("after the newest was sent the state is %s", got.State)
	}
}

func (k *class) mustDue(now time.Time, without ...uint) []DueGrade {
	k.t.Helper()
	due, err := k.DueGrades(k.t.Context(), now, without, 100)
	if err != nil {
		k.t.Fatal(err)
	}
	return due
}

func (k *class) row(due DueGrade) OutboxGrade {
	k.t.Helper()
	g, err := k.OutboxGrade(k.t.Context(), due.LinkID, due.UserID)
	if err != nil || g == nil {
		k.t.Fatalf("what is due is not there: %v, %v", g, err)
	}
	return *g
}

func (k *class) mustSave(g OutboxGrade) {
	k.t.Helper()
	if err := k.SaveGrades(k.t.Context(), g); err != nil {
		k.t.Fatal(err)
	}
}

func TestWhenGradesAreDue(t *testing.T) { storetest.Each(t, testWhenGradesAreDue) }

func testWhenGradesAreDue(t *testing.T, database string) {
	k := mustClass(t, database)
	k.attempt("ann", "d", "t")
	now := time.Now().Truncate(time.Microsecond)
	due := k.mustDue(now)
	if len(due) != 1 {
		t.Fatalf("due are %+v", due)
	}
	platform := due[0].PlatformID
	if n := len(k.mustDue(now, platform)); n != 0 {
		t.Errorf("%d grades are due of a platform that was left out", n)
	}
	g := k.row(due[0])
	if err := k.HoldGrades(t.Context(), platform, now.Add(time.Hour), "it is down"); err != nil {
		t.Fatal(err)
	}
	held, _ := k.OutboxGrade(t.Context(), g.LinkID, g.UserID)
	next, err := k.NextGrade(t.Context(), now)
	if len(k.mustDue(now)) != 0 || held.Why != "it is down" || err != nil || !next.Equal(now.Add(time.Hour)) {
		t.Errorf("held: %+v, next %v, %v", held, next, err)
	}
	if err := k.HoldGrades(t.Context(), platform, now.Add(time.Minute), "still"); err != nil {
		t.Fatal(err)
	}
	if next, _ := k.NextGrade(t.Context(), now); !next.Equal(now.Add(time.Hour)) {
		t.Errorf("holding makes a grade due sooner, %v", next)
	}
	if err := k.WakeGrades(t.Context(), platform, now); err != nil || len(k.mustDue(now)) != 1 {
		t.Errorf("a platform that works again: %v", err)
	}

	g.State, g.NextTry = OutboxRefused, now
	k.mustSave(g)
	if n, err := k.RetryRefused(t.Context(), k.context); n != 1 || err != nil || len(k.mustDue(time.Now())) != 1 {
		t.Errorf("retrying all: %d, %v", n, err)
	}
	k.mustSave(g)
	if ok, err := k.RetryGrade(t.Context(), g.LinkID, g.UserID); !ok || err != nil || len(k.mustDue(time.Now())) != 1 {
		t.Errorf("retrying one: %v, %v", ok, err)
	}
	g.State = OutboxSent
	k.mustSave(g)
	if ok, err := k.RetryGrade(t.Context(), g.LinkID, g.UserID); ok || err != nil {
		t.Errorf("retrying what was sent: %v, %v", ok, err)
	}
}

func TestGradesThatCanGoOn(t *testing.T) { storetest.Each(t, testGradesThatCanGoOn) }

func testGradesThatCanGoOn(t *testing.T, database string) {
	k := mustClass(t, database)
	k.attempt("ann", "d", "t")
	now := time.Now()
	g := k.row(k.mustDue(now)[0])
	state := func(start bool) string {
		t.Helper()
		if err := k.ReviveGrades(t.Context(), start); err != nil {
			t.Fatal(err)
		}
		got, err := k.OutboxGrade(t.Context(), g.LinkID, g.UserID)
		if err != nil {
			t.Fatal(err)
		}
		return got.State
	}
	g.State = OutboxSending
	k.mustSave(g)
	if s := state(false); s != OutboxSending {
		t.Errorf("what is being sent was taken away: %s", s)
	}
	if s := state(true); s != OutboxWaiting {
		t.Errorf("what was being sent when the gateway ended is %s", s)
	}
	g.State = OutboxNowhere
	k.mustSave(g)
	if s := state(false); s != OutboxWaiting {
		t.Errorf("after a launch has told of line items it is %s", s)
	}
	g.NextTry = now.Add(time.Hour)
	k.mustSave(g)
	if s := state(false); s != OutboxNowhere {
		t.Errorf("what there is nothing to send of is %s", s)
	}
	if err := k.SetLineItem(t.Context(), g.LinkID, "https://p.test/items/1", 0); err != nil {
		t.Fatal(err)
	}
	g.State, g.Sent.To = OutboxSent, "https://p.test/items/1"
	k.mustSave(g)
	if s := state(false); s != OutboxSent {
		t.Errorf("what was sent is %s", s)
	}
	if err := k.SetLineItem(t.Context(), g.LinkID, "https://p.test/items/2", 0); err != nil {
		t.Fatal(err)
	}
	if s := state(false); s != OutboxWaiting {
		t.Errorf("after the line item became another one it is %s", s)
	}
}
