package vmbackendtest

import (
	"crypto/rand"
	"encoding/base64"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

func (m *machine) stats() vmbackend.Stats {
	m.Helper()
	s, err := m.b.Stats(m.ctx, m.id)
	if err != nil {
		m.Fatalf("Stats: %v", err)
	}
	return s
}

// Stats measures one running guest, plausibly.
func testStats(w *bench) {
	m := w.running("measured")
	before := m.stats()
	const most = 4 << 30 // bytes; no guest of these tests is that large
	if before.CPU <= 0 || before.CPU > time.Hour || before.Memory <= 0 || before.Memory > most || before.Disk < 0 || before.Disk > most {
		w.Errorf("implausible: %+v", before)
	}
	text := make([]byte, 1<<20)
	_, _ = rand.Read(text) // never fails; no disk can compress it
	encoded := base64.StdEncoding.EncodeToString(text)
	if _, errs, status, err := w.try(m.connect("root"), "cat >/root/big && sync", encoded); err != nil || status != 0 {
		w.Fatalf("write a megabyte: status %d, error %v, said %q", status, err, errs)
	}
	after := m.stats()
	if after.CPU < before.CPU {
		w.Errorf("the guest's processor time fell from %s to %s", before.CPU, after.CPU)
	}
	if grown := after.Disk - before.Disk; grown < 1<<20 {
		w.Errorf("the guest wrote more than a megabyte, its disk grew by %d bytes", grown)
	}
}
