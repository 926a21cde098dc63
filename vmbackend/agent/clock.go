package agent

import (
	"time"

	"golang.org/x/sys/unix"
)

// clockSlack is how far the guest's clock may be from the host's, and how far
// it may drift by itself, before it counts.
const clockSlack = time.Second

// clock sets the guest's clock, and sets it again after the machine was
// frozen, unless somebody in the guest has set it meanwhile.
type clock struct {
	// offset lies between the clock and the time since the boot, when the
	// clock was last set here; zero before.
	offset time.Duration
}

// clockOffset is how far the clock is ahead of the time since the boot. Only
// setting the clock changes it.
func clockOffset() time.Duration {
	var wall, up unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &wall)
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &up)
	return time.Duration(wall.Nano() - up.Nano())
}

// set sets the clock; a zero time leaves it.
func (c *clock) set(now time.Time) {
	if now.IsZero() {
		return
	}
	tv := unix.NsecToTimeval(now.UnixNano())
	if err := unix.Settimeofday(&tv); err != nil {
		logf("setting the clock: %v", err)
	}
	c.offset = clockOffset()
}

// correct sets the clock if it lags because the machine stood still.
func (c *clock) correct(now time.Time) {
	if (clockOffset() - c.offset).Abs() > clockSlack {
		return // set by somebody in the guest, who has reasons
	}
	if time.Since(now.Round(0)).Abs() > clockSlack {
		c.set(now)
	}
}
