package store

import (
	"errors"
	"testing"
	"time"

	"github.com/labmark/labmark/server/store/storetest"
)

func TestNodes(t *testing.T) { storetest.Each(t, testNodes) }

func testNodes(t *testing.T, database string) {
	s := mustOpen(t, database)
	a := Node{Name: "a", URI: "qemu+ssh://labmark@a/session", Capacity: 20, Labels: map[string]string{"course": "linux"}, HostKey: "ssh-ed25519 AAAA", Wanted: "up"}
	if err := s.AddNode(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if err := s.AddNode(t.Context(), Node{Name: "a", Wanted: "up"}); !errors.Is(err, ErrExists) {
		t.Errorf("a name that is taken: %v, want ErrExists", err)
	}
	since := time.Now().Truncate(time.Second)
	if err := s.NoteNode(t.Context(), "a", "down", "no route to host", since); err != nil {
		t.Error(err)
	}
	if err := s.SetNodeWanted(t.Context(), "a", "draining", ""); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{"want": s.SetNodeWanted(t.Context(), "b", "up", ""), "save": s.SaveNode(t.Context(), Node{Name: "b"}), "note": s.NoteNode(t.Context(), "b", "up", "", since),
		"remove": s.RemoveNode(t.Context(), "b", false)} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s of a node that is not there: %v, want ErrNotFound", what, err)
		}
	}
	a.URI, a.Labels, a.Capacity = "qemu+ssh://labmark@b/session", map[string]string{"course": "nets"}, 0
	if err := s.SaveNode(t.Context(), a); err != nil {
		t.Error(err)
	}
	s.Close()
	again, err := Open(database)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	got, err := again.Node(t.Context(), "a")
	if err != nil || got.URI != a.URI || got.Labels["course"] != "nets" || got.Wanted != "draining" || got.State != "down" || got.Capacity != 0 ||
		got.StateSince == nil || !got.StateSince.Equal(since) || got.HostKey != a.HostKey {
		t.Errorf("after a restart: %+v, %v", got, err)
	}
}

func TestNodeWithGuestsIsKept(t *testing.T) { storetest.Each(t, testNodeWithGuestsIsKept) }

func testNodeWithGuestsIsKept(t *testing.T, database string) {
	s := mustOpen(t, database)
	for _, err := range []error{s.AddNode(t.Context(), Node{Name: "a", Wanted: "up"}), s.AddGuest(t.Context(), Guest{ID: "g1", Mode: Free}),
		s.AddGuest(t.Context(), Guest{ID: "g2", Mode: Retiring}), s.SetGuestNode(t.Context(), "g1", "a")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.GuestsByNode(t.Context()); err != nil || n["a"] != 1 || n[""] != 1 {
		t.Errorf("guests by node: %v, %v", n, err)
	}
	if err := s.RemoveNode(t.Context(), "a", false); !errors.Is(err, ErrInUse) {
		t.Errorf("a node with a guest: %v, want ErrInUse", err)
	}
	if err := s.SetGuestNode(t.Context(), "g3", "a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such guest: %v, want ErrNotFound", err)
	}
	if err := s.RemoveNode(t.Context(), "a", true); err != nil {
		t.Errorf("by force: %v", err)
	}
}
