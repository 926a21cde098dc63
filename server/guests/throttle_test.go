package guests

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoResetsWithoutEndIsSlowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var th Throttle
		for range throttleBurst {
			if wait := th.Take(1); wait != 0 {
				t.Fatalf("slowed early: %v", wait)
			}
		}
		if wait := th.Take(1); wait != throttlePause {
			t.Errorf("has to wait %v", wait)
		}
		if wait := th.Take(2); wait != 0 {
			t.Errorf("another has to wait %v", wait)
		}
		for range 3 { // one each pause
			time.Sleep(throttlePause)
			if first, second := th.Take(1), th.Take(1); first != 0 || second != throttlePause {
				t.Errorf("waits %v, then %v", first, second)
			}
		}
		time.Sleep(throttleBurst * throttlePause)
		for range throttleBurst {
			if wait := th.Take(1); wait != 0 {
				t.Errorf("slowed after a rest: %v", wait)
			}
		}
	})
}
