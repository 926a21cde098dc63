package shim

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// arrivals sends frames of 1250 bytes (10 000 bits) one by one and returns when
// each arrived, after the first was sent.
func arrivals(t *testing.T, link vmbackend.Link, frames int, every time.Duration) (at []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		c := newCable(link, rand.New(rand.NewPCG(1, 2)), func(frame []byte) {
			if len(frame) != 1250 || frame[7] != byte(len(at)) && link.Loss == 0 {
				t.Errorf("frame %d has %d bytes and number %d", len(at), len(frame), frame[7])
			}
			at = append(at, time.Since(begin))
		})
		frame := make([]byte, 1250)
		for i := range frames {
			frame[7] = byte(i)
			c.send(frame)
			time.Sleep(every)
		}
		time.Sleep(time.Hour)
		c.close()
	})
	return at
}

func TestCableShapes(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name string
		link vmbackend.Link
		want []time.Duration
	}{
		{"none", vmbackend.Link{}, []time.Duration{0, 5 * ms, 10 * ms}},
		{"delay", vmbackend.Link{Delay: 20 * ms}, []time.Duration{20 * ms, 25 * ms, 30 * ms}},
		{"rate", vmbackend.Link{Rate: 1_000_000}, []time.Duration{10 * ms, 20 * ms, 30 * ms}},
		{"rate and delay", vmbackend.Link{Rate: 1_000_000, Delay: 7 * ms}, []time.Duration{17 * ms, 27 * ms, 37 * ms}},
		{"cut", vmbackend.Link{Cut: true}, nil},
		{"loss of all", vmbackend.Link{Loss: 1}, nil},
	} {
		if got := arrivals(t, c.link, 3, 5*ms); !slices.Equal(got, c.want) {
			t.Errorf("%s: frames arrived after %v, want %v", c.name, got, c.want)
		}
	}
}

func TestCableLosesItsShare(t *testing.T) {
	if got := len(arrivals(t, vmbackend.Link{Loss: 0.25}, 2000, 0)); got < 1400 || got > 1600 {
		t.Errorf("%d of 2000 frames arrived, with a quarter of them lost", got)
	}
}

// What waits for a slow cable, or is under way on a long one, is bounded.
func TestCableHoldsLittle(t *testing.T) {
	// 1 Mbit/s: a quarter of a second is 25 frames, and one is in the cable.
	if got := len(arrivals(t, vmbackend.Link{Rate: 1_000_000}, 1000, 0)); got != 26 {
		t.Errorf("%d frames passed a slow cable, want 26", got)
	}
	// So slow that the bound is in bytes: 14 of 1250.
	if got := len(arrivals(t, vmbackend.Link{Rate: 10_000}, 1000, 0)); got < 13 || got > 15 {
		t.Errorf("%d frames passed a very slow cable, want 14", got)
	}
	if got := len(arrivals(t, vmbackend.Link{Delay: 10 * time.Second}, 10_000, 0)); got != cableHolds/1250 {
		t.Errorf("%d frames passed a long cable, want %d", got, cableHolds/1250)
	}
}

// A new shape holds at once, and not for what was under way before.
func TestCableChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []byte
		c := newCable(vmbackend.Link{Delay: time.Second}, rand.New(rand.NewPCG(1, 2)), func(frame []byte) { got = append(got, frame[0]) })
		for n, link := range []vmbackend.Link{{}, {Cut: true}, {Delay: time.Millisecond}} {
			c.send([]byte{byte('a' + 2*n)})
			c.set(link)
			c.send([]byte{byte('b' + 2*n)})
		}
		time.Sleep(time.Hour)
		c.close()
		if string(got) != "bcf" {
			t.Errorf("%q arrived, want bcf: a was under way, c went at once, d and e met a cut cable", got)
		}
	})
}
