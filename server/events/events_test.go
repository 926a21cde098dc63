package events

import (
	"testing"

	"github.com/labmark/labmark/server/store"
)

func TestHub(t *testing.T) {
	var h Hub
	ann, bob := store.Owner{UserID: 1}, store.Owner{UserID: 2}
	first, doneFirst := h.Listen(ann)
	second, doneSecond := h.Listen(ann)
	foreign, doneForeign := h.Listen(bob)
	defer doneForeign()

	h.Publish(ann, Event{Name: "score"})
	for _, ch := range []<-chan Event{first, second} {
		if e := <-ch; e.Name != "score" {
			t.Errorf("got %+v", e)
		}
	}
	if len(foreign) != 0 {
		t.Error("somebody else's event was heard")
	}

	doneFirst()
	doneFirst() // twice must not hurt
	if _, more := <-first; more {
		t.Error("a listener that left still hears")
	}
	for range queueLength + 1 {
		h.Publish(ann, Event{Name: "guest"})
	}
	heard := 0
	for range second {
		heard++
	}
	if heard != queueLength {
		t.Errorf("a slow listener heard %d events before it was cut off, want %d", heard, queueLength)
	}
	doneSecond()
	if len(h.listeners[ann]) != 0 {
		t.Error("listeners are left behind")
	}
}
