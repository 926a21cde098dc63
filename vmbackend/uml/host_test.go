package uml

import (
	"testing"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

func TestHostTellsOfThisMachine(t *testing.T) {
	b := newBackend(t, t.TempDir())
	s, err := b.Host(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Memory < 64<<20 || s.MemoryFree <= 0 || s.MemoryFree > s.Memory || s.CPUs < 1 || s.DiskFree <= 0 || s.KVM {
		t.Errorf("this machine is %+v", s)
	}
	// A processor that works for a while is seen.
	for begun := time.Now(); ; {
		for range 1_000_000 {
		}
		if s, err = b.Host(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.Busy > 0 {
			break
		}
		if time.Since(begun) > time.Minute {
			t.Fatal("a minute of work was not seen")
		}
	}
	if s.Busy > 1 {
		t.Errorf("the processors are busy for %v of their time", s.Busy)
	}
	for _, f := range b.Examine(t.Context()) {
		if f.Level == vmbackend.Bad || f.Level == vmbackend.Fair && f.Mend == "" {
			t.Errorf("%+v", f)
		}
	}
}
