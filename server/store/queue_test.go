package store

import (
	"slices"
	"testing"
	"time"

	"github.com/labmark/labmark/server/store/storetest"
)

func TestTheQueueKeepsItsOrder(t *testing.T) { storetest.Each(t, testTheQueueKeepsItsOrder) }

func testTheQueueKeepsItsOrder(t *testing.T, database string) {
	s := mustOpen(t, database)
	ctx := t.Context()
	var owners []Owner
	for i := range uint(4) {
		owners = append(owners, Owner{UserID: i + 1, Course: "c", Tutorial: "t"})
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	order := func() (out []uint) {
		t.Helper()
		rows, err := s.Queue(ctx)
		must(err)
		for _, r := range rows {
			out = append(out, r.UserID)
		}
		return out
	}
	for _, o := range owners[:3] {
		must(s.Enqueue(ctx, o, false))
	}
	must(s.Enqueue(ctx, owners[0], false)) // pressed again
	must(s.Enqueue(ctx, owners[3], true))
	if got, want := order(), []uint{4, 1, 2, 3}; !slices.Equal(got, want) {
		t.Fatalf("in the queue are %v, want %v", got, want)
	}
	must(s.TakeTurn(ctx, owners[0]))
	at := time.Now().Add(time.Minute).Truncate(time.Second)
	must(s.SeenWaiting(ctx, owners[1], at))
	rows, err := s.Queue(ctx)
	must(err)
	if rows[1].TurnAt == nil || rows[2].TurnAt != nil || !rows[2].SeenAt.Equal(at) {
		t.Errorf("the turn and the sign of life are not kept: %+v", rows)
	}
	must(s.Enqueue(ctx, owners[0], false)) // nothing came of the turn
	must(s.LeaveQueue(ctx, owners[3]))
	must(s.LeaveQueue(ctx, owners[3]))
	rows, err = s.Queue(ctx)
	must(err)
	if rows[0].TurnAt != nil || rows[0].Owner() != owners[0] || len(rows) != 3 {
		t.Errorf("the place is not kept: %+v", rows)
	}
}
