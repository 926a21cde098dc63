package guestlink

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// What a guest may do with streams of its own. The guest keeps to maxOutward
// and outwardPause; the host, which trusts nothing, ends the link of one that
// does not, with some room for what is on its way.
const (
	maxOutward   = 16 // open at once
	outwardPause = 20 * time.Millisecond

	maxVisitors = 2 * maxOutward
	// A guest gets a new stream each visitorPause, and may save up
	// visitorBurst of them.
	visitorPause = outwardPause / 2
	visitorBurst = 200
)

var errGuestFloods = errors.New("guestlink: the guest opened more streams to the host than it may")

// visitors are, on the host, the streams that the guest has opened.
type visitors struct {
	mu sync.Mutex
	// open tells of each stream who still has to end it. A stream counts
	// until both ends have.
	open map[uint32]*visitor
	// paid is the time that the guest's streams so far were worth.
	paid time.Time
}

type visitor struct{ guest, host bool }

func newVisitors() *visitors {
	return &visitors{open: map[uint32]*visitor{}, paid: time.Now().Add(-visitorBurst * visitorPause)}
}

// flags notes what the guest does with one of its streams, and says if it may.
func (v *visitors) flags(id uint32, flags uint16) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if flags&muxSYN != 0 {
		if err := v.enter(id); err != nil {
			return err
		}
	}
	if stream := v.open[id]; stream != nil && flags&(muxFIN|muxRST) != 0 {
		stream.guest = false
		v.forget(id)
	}
	return nil
}

func (v *visitors) enter(id uint32) error {
	now := time.Now()
	if earliest := now.Add(-visitorBurst * visitorPause); v.paid.Before(earliest) {
		v.paid = earliest
	}
	v.paid = v.paid.Add(visitorPause)
	if v.open[id] != nil || len(v.open) == maxVisitors || v.paid.After(now) {
		return errGuestFloods
	}
	v.open[id] = &visitor{guest: true, host: true}
	return nil
}

// left notes that the host has ended a stream.
func (v *visitors) left(id uint32) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if stream := v.open[id]; stream != nil {
		stream.host = false
		v.forget(id)
	}
}

func (v *visitors) forget(id uint32) {
	if stream := v.open[id]; !stream.guest && !stream.host {
		delete(v.open, id)
	}
}

// serve hands the guest's streams to accept until the session ends.
func (v *visitors) serve(session *yamux.Session, accept func(net.Conn)) {
	for {
		stream, err := session.AcceptStream()
		if err != nil {
			return
		}
		go func() {
			defer v.left(stream.StreamID())
			defer func() { _ = stream.Close() }()
			accept(stream)
		}()
	}
}
