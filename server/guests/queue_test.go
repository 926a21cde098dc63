package guests

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/labmark/labmark/server/store"
)

// inQueue runs a test over one backend with room for some guests, in a bubble
// of its own time.
func inQueue(t *testing.T, change func(*Config), test func(q *crowd)) {
	synctest.Test(t, func(t *testing.T) {
		q := &crowd{t: t, dir: t.TempDir(), change: change}
		q.open()
		defer func() { q.close() }() // also where the test gives up
		test(q)
	})
}

func student(i int) store.Owner {
	return store.Owner{UserID: uint(i), Context: 7, Course: "c", Tutorial: "t"}
}

// come lets students press Start, one after the other.
func (q *crowd) come(from, to int) {
	q.t.Helper()
	for i := from; i <= to; i++ {
		mustBegin(q.t)(q.Start(student(i)))
		q.pass(time.Second)
	}
}

func (q *crowd) states() string {
	var s []byte
	for i := 1; i <= 30; i++ {
		s = append(s, string(q.Status(student(i)).State)[0])
	}
	return string(s)
}

func (q *crowd) want(i int, s State) Status {
	q.t.Helper()
	got := q.Status(student(i))
	if got.State != s {
		q.t.Fatalf("student %d: %+v, want %s", i, got, s)
	}
	return got
}

func TestThirtyStudentsShareTenGuests(t *testing.T) {
	inQueue(t, func(c *Config) { c.MaxRunning = 10 }, func(q *crowd) {
		q.come(1, 30)
		q.pass(5 * time.Second)
		for i := 1; i <= 10; i++ {
			q.want(i, Ready)
			q.Active(student(i), "192.0.2.1")
		}
		for i := 11; i <= 30; i++ {
			if s := q.want(i, Queued); s.Place != i-10 || s.Estimate != 0 {
				t.Errorf("student %d is at place %d, estimate %v", i, s.Place, s.Estimate)
			}
		}
		// Every two minutes one goes; whoever is first comes next, and waits as
		// long as was said.
		promised := map[int]time.Time{}
		for i := 1; i <= 20; i++ {
			for w := 11; w <= 30; w++ {
				s := q.Status(student(w))
				if s.State == Queued {
					q.Seen(student(w))
					if promised[w].IsZero() && s.Estimate > 0 {
						promised[w] = time.Now().Add(s.Estimate)
					}
				}
			}
			q.Stop(student(i))
			q.pass(10 * time.Second)
			s := q.want(i+10, Ready)
			if s.KeptUntil == nil {
				t.Errorf("student %d is not told until when the machine is kept", i+10)
			}
			q.Active(student(i+10), "")
			if at := promised[i+10]; !at.IsZero() && time.Since(at).Abs() > 3*time.Minute {
				t.Errorf("student %d was promised %v and came %v", i+10, at, time.Now())
			}
			if i < 20 {
				if s := q.want(i+11, Queued); s.Place != 1 {
					t.Errorf("the next has place %d", s.Place)
				}
			}
			q.pass(110 * time.Second)
		}
		if len(promised) == 0 {
			t.Error("nobody was told how long it takes")
		}
	})
}

func TestWhoDoesNotComeLosesTheTurnToTheNext(t *testing.T) {
	inQueue(t, func(c *Config) { c.MaxRunning = 1 }, func(q *crowd) {
		q.come(1, 3)
		q.Stop(student(1))
		q.pass(10 * time.Second)
		q.want(2, Ready)
		q.Seen(student(3))
		q.pass(defaultHold - 20*time.Second)
		q.want(2, Ready)
		q.pass(time.Minute)
		if s := q.want(2, None); s.Detail != missedWords {
			t.Errorf("who missed the turn reads %q", s.Detail)
		}
		q.want(3, Ready)
		mustBegin(t)(q.Start(student(2)))
		q.want(2, Queued)
	})
}

func TestPlacesAreKeptForPagesThatAreClosedForAShortWhile(t *testing.T) {
	inQueue(t, func(c *Config) { c.MaxRunning = 1 }, func(q *crowd) {
		q.come(1, 3)
		q.Active(student(1), "")
		q.pass(defaultGrace / 2)
		q.Seen(student(3))
		q.want(2, Queued)
		q.pass(defaultGrace/2 + 10*time.Second)
		if s := q.want(2, None); s.Detail != awayTooLong {
			t.Errorf("who was away reads %q", s.Detail)
		}
		if s := q.want(3, Queued); s.Place != 1 {
			t.Errorf("the next is at place %d", s.Place)
		}
		q.Stop(student(3))
		if s := q.want(3, None); s.Detail != leftWords {
			t.Errorf("who left reads %q", s.Detail)
		}
		if n, _ := q.Queue(); n != 0 {
			t.Errorf("%d wait", n)
		}
	})
}

func TestANewGatewayKeepsPlaces(t *testing.T) {
	inQueue(t, func(c *Config) { c.MaxRunning = 2 }, func(q *crowd) {
		q.come(1, 6)
		q.close()
		q.open()
		q.pass(10 * time.Second)
		for i := 3; i <= 6; i++ {
			if s := q.want(i, Queued); s.Place != i-2 {
				t.Errorf("student %d is at place %d", i, s.Place)
			}
		}
		q.Stop(student(2))
		q.pass(10 * time.Second)
		q.want(3, Ready)
		q.want(4, Queued)
	})
}

func TestAFullBackendQueuesToo(t *testing.T) {
	inQueue(t, nil, func(q *crowd) { // its backend takes 12
		q.come(1, 14)
		q.pass(10 * time.Second)
		q.want(12, Ready)
		if s := q.want(14, Queued); s.Place != 2 {
			t.Errorf("place %d", s.Place)
		}
		mustBegin(t)(q.Reset(student(4), ""))
		q.pass(10 * time.Second)
		q.want(4, Ready)
		q.want(13, Queued)
		if err := q.backend.Destroy(q.t.Context(), q.machine(5).ID); err != nil {
			t.Fatal(err)
		}
		q.pass(30 * time.Second)
		q.want(13, Ready)
		q.want(14, Queued)
	})
}

func TestBookedClassesComeFirst(t *testing.T) {
	booked := func(o store.Owner) bool { return o.UserID == 4 }
	inQueue(t, func(c *Config) { c.MaxRunning, c.Booked = 1, booked }, func(q *crowd) {
		q.come(1, 4)
		for i, place := range map[int]int{4: 1, 2: 2, 3: 3} {
			if s := q.want(i, Queued); s.Place != place {
				t.Errorf("student %d is at place %d, want %d", i, s.Place, place)
			}
		}
	})
}

func TestQuotas(t *testing.T) {
	inQueue(t, func(c *Config) { c.PerUser, c.PerCourse = 2, 3 }, func(q *crowd) {
		of := func(tutorial string) store.Owner {
			return store.Owner{UserID: 1, Course: "c", Tutorial: tutorial}
		}
		for _, name := range []string{"a", "b"} {
			mustBegin(t)(q.Start(of(name)))
			q.pass(5 * time.Second)
		}
		q.Active(of("a"), "")
		_, err := q.Start(of("c"))
		var many TooMany
		if !errors.As(err, &many) || many.Has != 2 || many.Oldest != of("b") {
			t.Errorf("a third: %v, %+v", err, many)
		}
		q.Stop(of("b"))
		q.pass(5 * time.Second)
		mustBegin(t)(q.Start(of("c")))
		q.pass(5 * time.Second)
		// The course has two now, and may have three.
		q.come(2, 3)
		q.want(2, Ready)
		q.want(3, Queued)
		other := store.Owner{UserID: 9, Course: "other", Tutorial: "t"}
		mustBegin(t)(q.Start(other))
		q.pass(10 * time.Second)
		if s := q.Status(other); s.State != Ready {
			t.Errorf("another course waits for the full one: %+v", s)
		}
	})
}

func TestThePoolGivesWay(t *testing.T) {
	second := Kind{Image: kind.Image, Memory: 64 << 20}
	inQueue(t, func(c *Config) { c.MaxRunning, c.Pool = 3, map[Kind]int{second: 2} }, func(q *crowd) {
		q.pass(time.Minute)
		if _, free := q.Counts(); free != 2 {
			t.Fatalf("%d are free", free)
		}
		q.come(1, 3)
		q.pass(5 * time.Second)
		q.want(3, Ready)
		if n := len(q.ids()); n != 3 {
			t.Errorf("%d guests are there, 3 may run", n)
		}
	})
}

func TestABrokenMachineIsKeptAsideForAWhile(t *testing.T) {
	inQueue(t, nil, func(q *crowd) {
		q.come(1, 1)
		old := q.machine(1)
		mustBegin(t)(q.Broken(student(1), ""))
		q.pass(5 * time.Second)
		if fresh := q.machine(1); fresh.ID == old.ID {
			t.Fatal("the student has the broken machine still")
		}
		row := q.row(old.ID)
		if row.Mode != store.Recovering || row.FormerID == nil || *row.FormerID != 1 {
			t.Errorf("the broken machine: %+v", row)
		}
		if q.Mends()["broken: replaced"] != 1 {
			t.Errorf("counted: %v", q.Mends())
		}
		q.close()
		q.open()
		q.pass(time.Minute)
		if !slices.Contains(q.ids(), old.ID) {
			t.Error("the next gateway has removed the broken machine early")
		}
		q.pass(30 * time.Minute)
		if slices.Contains(q.ids(), old.ID) {
			t.Error("the broken machine is kept for ever")
		}
		if n := q.Mends()["recovering for too long: remove"]; n != 1 {
			t.Errorf("counted: %v", q.Mends())
		}
	})
}

func TestModesEnd(t *testing.T) {
	inQueue(t, func(c *Config) { c.Pool = map[Kind]int{kind: 1} }, func(q *crowd) {
		q.close()
		q.limits = limits()
		for _, mode := range []store.Mode{store.Free, store.Assigned, store.Suspended} {
			q.limits[mode] = limit{20 * time.Minute, q.limits[mode].deed} // days would be many scans
		}
		q.open()
		q.pass(time.Minute)
		waiting := q.ids()[0]
		q.pass(25 * time.Minute)
		if ids := q.ids(); len(ids) != 1 || ids[0] == waiting {
			t.Errorf("after long in the pool: %v", ids)
		}
		q.come(1, 2)
		one, two := q.machine(1), q.machine(2)
		for range 5 {
			q.pass(5 * time.Minute)
			q.Active(student(2), "")
		}
		if s := q.want(1, None); s.Detail != restedWords || q.row(one.ID).Mode != store.Suspended {
			t.Errorf("who left it running reads %q, mode %s", s.Detail, q.row(one.ID).Mode)
		}
		q.want(2, Ready)
		if at := q.row(two.ID).ActiveAt; at == nil || time.Since(*at) > 5*time.Minute+2*noteEvery {
			t.Errorf("last activity in the table: %v", at)
		}
		mustBegin(t)(q.Start(student(1)))
		q.pass(10 * time.Second)
		if q.machine(1) != one || q.row(one.ID).Mode != store.Assigned {
			t.Error("it is not the same machine any more")
		}
		q.Stop(student(1))
		q.pass(25 * time.Minute)
		if s := q.want(1, None); s.Detail != oldWords || slices.Contains(q.ids(), one.ID) {
			t.Errorf("after long: %q", s.Detail)
		}
	})
}

// TestNobodyStarves lets students come, go, miss turns and press keys as it
// happens: never do more run than may, places are 1 to n, nobody is overtaken,
// and in the end everybody who waits is served.
func TestNobodyStarves(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		steps := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) [3]int {
			return [3]int{rapid.IntRange(0, 3).Draw(r, "what"), rapid.IntRange(1, 6).Draw(r, "who"), rapid.IntRange(0, 90).Draw(r, "then")}
		}), 1, 25).Draw(r, "steps")
		inQueue(t, func(c *Config) { c.MaxRunning = 2 }, func(q *crowd) {
			for _, s := range steps {
				o := student(s[1])
				switch s[0] {
				case 0, 1:
					mustBegin(t)(q.Start(o))
				case 2:
					q.Stop(o)
				case 3:
					q.Active(o, "")
				}
				q.pass(time.Duration(s[2]) * time.Second)
				q.sane(6, 2)
			}
			for range 8 { // whoever has one uses it and goes, in the end all were served
				for i := 1; i <= 6; i++ {
					q.Seen(student(i))
					if q.Status(student(i)).State == Ready {
						q.Stop(student(i))
					}
				}
				q.pass(30 * time.Second)
			}
			if n, _ := q.Queue(); n != 0 {
				t.Fatalf("%d wait for ever: %v", n, steps)
			}
		})
	})
}

// sane holds what must be true at every moment.
func (q *crowd) sane(students, most int) {
	q.t.Helper()
	running, places := 0, []int{}
	for i := 1; i <= students; i++ {
		s := q.Status(student(i))
		if s.State.takes() {
			running++
		}
		if s.State == Queued {
			places = append(places, s.Place)
		}
	}
	slices.Sort(places)
	for i, p := range places {
		if p != i+1 {
			q.t.Fatalf("places are %v", places)
		}
	}
	if running > most || len(places) > 0 && running < most {
		q.t.Fatalf("%d run of %d, %d wait: %s", running, most, len(places), q.states())
	}
}

func TestEstimates(t *testing.T) {
	begin := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	at := func(minutes ...int) (p pace) {
		for _, m := range minutes {
			p.note(begin.Add(time.Duration(m) * time.Minute))
		}
		return p
	}
	for _, tt := range []struct {
		given []int
		place int
		now   int // minutes
		want  time.Duration
	}{
		{nil, 1, 0, 0},
		{[]int{0, 2}, 1, 2, 0}, // of two nobody can tell
		{[]int{0, 2, 4}, 1, 4, 2 * time.Minute},
		{[]int{0, 2, 4}, 5, 4, 10 * time.Minute},
		{[]int{0, 2, 4}, 1, 20, 7 * time.Minute}, // nothing became free for long
		{[]int{0, 2, 4}, 1, 34, 0},               // too long ago
		{[]int{0, 10, 20}, 30, 20, 0},            // further away than anybody can see
		{[]int{0, 0, 0, 0}, 2, 0, time.Minute},
	} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			if got := at(tt.given...).estimate(tt.place, begin.Add(time.Duration(tt.now)*time.Minute)); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
