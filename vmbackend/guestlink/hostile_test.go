package guestlink

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// hostileGuest joins honestly and sends raw bytes when the host has opened its
// first stream. It takes what it is sent, so that only its own bytes can end
// the link.
func hostileGuest(tb testing.TB, raw []byte) io.ReadWriteCloser {
	l := newUMLLine(tb)
	tb.Cleanup(func() { _ = l.guest.Close() })
	go func() {
		_, _ = l.guest.Write(appendFrame(nil, frameHello, []byte{version}))
		dec := newDecoder(l.guest)
		for {
			typ, payload, err := dec.next()
			if err != nil && !errors.Is(err, errBadFrame) {
				return
			}
			if nonce := syncNonce(typ, payload, err); nonce != nil {
				_, _ = l.guest.Write(appendFrame(nil, frameEcho, append([]byte{version}, nonce...)))
			}
			if typ == frameData {
				break
			}
		}
		_, _ = l.guest.Write(raw)
		_, _ = io.Copy(io.Discard, l.guest)
	}()
	return l.host()
}

func muxHeaderOf(kind byte, flags uint16, stream, length uint32) []byte {
	h := []byte{0, kind}
	h = binary.BigEndian.AppendUint16(h, flags)
	h = binary.BigEndian.AppendUint32(h, stream)
	return binary.BigEndian.AppendUint32(h, length)
}

func data(parts ...[]byte) []byte {
	return appendFrame(nil, frameData, bytes.Join(parts, nil))
}

func TestHostileGuestOnlyLosesItsLink(t *testing.T) {
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"opens a stream":           {data(muxHeaderOf(muxUpdate, muxSYN, 2, 0)), "open a stream"},
		"opens the host's stream":  {data(muxHeaderOf(muxData, muxSYN, 99, 0)), "open a stream"},
		"pings":                    {data(muxHeaderOf(muxPing, muxSYN, 0, 1)), "ping"},
		"announces 4 GB":           {data(muxHeaderOf(muxData, 0, 1, 1<<32-1)), "no yamux message"},
		"speaks something else":    {data([]byte("GET / HTTP/1.1\r\n\r\n")), "no yamux message"},
		"acknowledges the future":  {appendFrame(nil, frameAck, []byte{200, 0, 0, 0}), "never sent"},
		"acknowledges with a byte": {appendFrame(nil, frameAck, []byte{1}), "damaged frame"},
		"starts anew":              {appendFrame(nil, frameHello, []byte{version}), "started anew"},
		"invents a frame":          {appendFrame(nil, 'Z', nil), "unknown type"},
		"damages a frame":          {[]byte{flagByte, 'D', 1, 2, 3, 4, 5, flagByte}, "damaged frame"},
		"never ends a frame":       {bytes.Repeat([]byte{'x'}, 1<<20), "damaged frame"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Connect(within(t), hostileGuest(t, c.raw), testPersonal, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the host says %v; it should say something of %q", err, c.want)
			}
		})
	}
}

func TestEndlessAnswerToPersonalDataIsCutOff(t *testing.T) {
	answer := bytes.Repeat([]byte{'a'}, 8<<10)
	raw := append(data(muxHeaderOf(muxUpdate, muxACK, 1, 0)), data(muxHeaderOf(muxData, 0, 1, uint32(len(answer))))...)
	for part := range slices.Chunk(answer, maxPayload) {
		raw = append(raw, data(part)...)
	}
	_, err := Connect(within(t), hostileGuest(t, raw), testPersonal, Options{})
	if err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("got %v", err)
	}
}

// FuzzHostDecoder feeds the host whatever a guest may send after joining. It
// must neither crash nor hang, and keep its promises on sizes.
func FuzzHostDecoder(f *testing.F) {
	f.Add(data(muxHeaderOf(muxUpdate, muxACK, 1, 0)))
	f.Add(append(data(muxHeaderOf(muxData, 0, 1, 3), []byte("a\n")), flagByte, escapeByte, flagByte))
	f.Add(appendFrame(nil, frameBye, bytes.Repeat([]byte("b"), 200)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		conn := newHostConn(readOnly{bytes.NewReader(raw)}, newDecoder(bytes.NewReader(raw)), SerialWindow)
		g := &guard{ReadWriteCloser: conn}
		buf := make([]byte, 1000)
		for {
			if len(conn.pending) > maxWire || len(conn.farewell()) > maxBye {
				t.Fatalf("the host keeps %d bytes of data, %d of goodbye", len(conn.pending), len(conn.farewell()))
			}
			if _, err := g.Read(buf); err != nil {
				return
			}
		}
	})
}

// FuzzHostSession runs the whole host, with yamux, against the same.
func FuzzHostSession(f *testing.F) {
	f.Add(data(muxHeaderOf(muxUpdate, muxACK, 1, 0), muxHeaderOf(muxData, 0, 1, 15), []byte(`{"ready":true}`+"\n")))
	f.Add(data(muxHeaderOf(muxGoAway, 0, 0, 0)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		h, err := Connect(ctx, hostileGuest(t, raw), testPersonal, Options{})
		if err == nil {
			_ = h.Close()
		}
	})
}

// FuzzGuestDecoder joins a guest after arbitrary bytes: whatever was on the
// line, the next honest host gets in.
func FuzzGuestDecoder(f *testing.F) {
	f.Add([]byte{flagByte, escapeByte})
	f.Add(appendFrame(nil, frameSync, append([]byte{version}, make([]byte, nonceSize)...)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := newUMLLine(t)
		l.down.room = 1 << 30
		_, _ = l.down.Write(raw[:min(len(raw), SerialWindow)])
		serveGuest(t, l, &echo{})
		exchange(t, mustConnect(t, l.host()), 10)
	})
}

func FuzzPersonal(f *testing.F) {
	f.Add([]byte(`{"host_key":"a2V5","authorized_key":"a2V5","networks":[{"name":"eth0","mac":"02:00:00:00:00:01","addresses":["10.0.0.2/24"],"gateway":"10.0.0.1","neighbours":[{"address":"10.0.0.1","mac":"02:00:00:00:00:02"}]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := ParsePersonal(raw)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := writeMessage(&b, p); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := ParsePersonal(b.Bytes()); err != nil && b.Len() <= maxPersonal {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}

// FuzzFrame takes a payload there and back.
func FuzzFrame(f *testing.F) {
	f.Add([]byte{flagByte, escapeByte, 0})
	f.Fuzz(func(t *testing.T, payload []byte) {
		payload = payload[:min(len(payload), maxPayload)]
		wire := appendFrame([]byte{'x', escapeByte, flagByte}, frameData, payload)
		dec := newDecoder(bytes.NewReader(wire))
		_, _, err := dec.next()
		if !errors.Is(err, errBadFrame) {
			t.Fatalf("noise before the frame was taken for one (%v)", err)
		}
		typ, got, err := dec.next()
		if err != nil || typ != frameData || !bytes.Equal(got, payload) {
			t.Fatalf("%q came back as %q (%v)", payload, got, err)
		}
	})
}

type readOnly struct{ io.Reader }

func (readOnly) Write(p []byte) (int, error) { return len(p), nil }
func (readOnly) Close() error                { return nil }
