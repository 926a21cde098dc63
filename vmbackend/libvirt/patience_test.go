package libvirt

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// A node that is away: a start waits for it for minutes. Whoever only asks how
// the node is must hear of it in time, or it would never be called down.
func TestWhoHasLittleTimeDoesNotWaitForWhoHasMuch(t *testing.T) {
	conn, err := wire.New(wire.Endpoint{URI: "qemu:///session?socket=" + filepath.Join(t.TempDir(), "none")}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	images, err := image.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(Config{Conn: conn, Images: images, Pool: "/nowhere", Visit: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	long, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, patient := range []func(context.Context){
		func(ctx context.Context) { _, _ = b.facts(ctx) },
		func(ctx context.Context) { _, _ = b.pool.Ensure(ctx) },
	} {
		begun := make(chan struct{})
		go func() { close(begun); patient(long) }()
		<-begun
	}
	for begun := time.Now(); time.Since(begun) < 300*time.Millisecond; time.Sleep(10 * time.Millisecond) {
		// until both wait; if one does not yet, the test finds less
	}
	short, cancelShort := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancelShort()
	begun := time.Now()
	_, err = b.Host(short)
	if took := time.Since(begun); err == nil || took > vmbackend.ProbePatience {
		t.Errorf("asking how the node is took %v: %v", took, err)
	}
	begun = time.Now()
	_, err = b.pool.Ensure(short)
	if took := time.Since(begun); err == nil || took > vmbackend.ProbePatience {
		t.Errorf("asking for the pool took %v: %v", took, err)
	}
}
