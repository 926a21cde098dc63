package wire

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// However the bytes of packets are cut, bounds knows where packets end.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		ends := map[int]bool{0: true}
		for _, size := range rapid.SliceOfN(rapid.IntRange(headerSize, 300), 1, 20).Draw(t, "packets") {
			packet := make([]byte, size)
			binary.BigEndian.PutUint32(packet, uint32(size))
			stream = append(stream, packet...)
			ends[len(stream)] = true
		}
		var b bounds
		for at := 0; at < len(stream); {
			n := min(rapid.IntRange(1, 100).Draw(t, "cut"), len(stream)-at)
			if err := b.advance(stream[at : at+n]); err != nil {
				t.Fatal(err)
			}
			at += n
			if b.between() != ends[at] {
				t.Fatalf("after %d bytes between() is %v", at, b.between())
			}
		}
	})
}

// A node that sends nonsense is cut off before its sizes cost memory.
func TestImpossiblePackets(t *testing.T) {
	for _, size := range []uint32{0, 1, headerSize - 1, maxPacket + 1, 1<<32 - 1} {
		here, there := net.Pipe()
		f := newFramed(here)
		go func() { _, _ = there.Write(binary.BigEndian.AppendUint32(nil, size)) }()
		if _, err := io.ReadFull(f, make([]byte, 4)); !errors.Is(err, errPacket) {
			t.Errorf("a packet of %d bytes gives %v", size, err)
		}
		select {
		case <-f.dead:
		default:
			t.Errorf("after a packet of %d bytes the connection lives", size)
		}
		_ = there.Close()
	}
}

// A ping never goes into the middle of a packet.
func TestPingBetweenPackets(t *testing.T) {
	here, there := net.Pipe()
	f := newFramed(here)
	read := make(chan byte, 1000)
	go func() {
		defer close(read)
		var p [100]byte
		for {
			n, err := there.Read(p[:])
			for _, b := range p[:n] {
				read <- b
			}
			if err != nil {
				return
			}
		}
	}()
	packet := make([]byte, 40)
	binary.BigEndian.PutUint32(packet, 40)
	for _, part := range [][]byte{packet[:10], packet[10:]} {
		if _, err := f.Write(part); err != nil {
			t.Fatal(err)
		}
		f.ping() // the first one must not be sent
	}
	_ = f.Close()
	var got []byte
	for b := range read {
		got = append(got, b)
	}
	if len(got) != 40+headerSize || binary.BigEndian.Uint32(got[44:]) != keepaliveProgram {
		t.Errorf("%d bytes were sent, want a packet of 40 and then one ping", len(got))
	}
}

func TestSilenceCountsOnlyWhereSomebodyListens(t *testing.T) {
	here, there := net.Pipe()
	defer func() { _ = there.Close() }()
	f := newFramed(here)
	f.alive.Store(time.Now().Add(-time.Hour).UnixNano())
	if f.silence() != 0 {
		t.Error("silence without a reader counts")
	}
	f.reads.Store(true)
	if f.silence() < 59*time.Minute {
		t.Error("silence with a reader does not count")
	}
	_ = f.Close()
}
