package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// pretend is a libvirtd that answers each call by answer.
func pretend(t *testing.T, answer func(conn net.Conn, procedure uint32) []byte) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "lm")
	if err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = l.Close()
		_ = os.RemoveAll(dir)
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn, answer)
		}
	}()
	return socket
}

func serve(conn net.Conn, answer func(net.Conn, uint32) []byte) {
	defer func() { _ = conn.Close() }()
	for {
		var head [headerSize]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		word := func(i int) uint32 { return binary.BigEndian.Uint32(head[4*i:]) }
		if _, err := io.CopyN(io.Discard, conn, int64(word(0))-headerSize); err != nil {
			return
		}
		if word(1) != remoteProgram {
			continue // a ping
		}
		payload := answer(conn, word(3))
		if payload == nil {
			return
		}
		var p []byte
		for _, w := range []uint32{headerSize + uint32(len(payload)), remoteProgram, 1, word(3), typeReply, word(5), statusOK} {
			p = binary.BigEndian.AppendUint32(p, w)
		}
		if _, err := conn.Write(append(p, payload...)); err != nil {
			return
		}
	}
}

const procEventRegister = 316

// honest answers what opening a connection asks.
func honest(procedure uint32) []byte {
	if procedure == procAuthList || procedure == procEventRegister {
		return make([]byte, 4)
	}
	return []byte{}
}

// A node that takes us in and hangs up at once must not keep us busy, nor fill
// the log.
func TestANodeThatHangsUpAtOnceIsAskedSeldom(t *testing.T) {
	var came atomic.Int32
	socket := pretend(t, func(conn net.Conn, procedure uint32) []byte {
		if procedure == procEventRegister {
			came.Add(1)
			time.AfterFunc(5*time.Millisecond, func() { _ = conn.Close() })
		}
		return honest(procedure)
	})
	c, err := New(Endpoint{URI: "qemu:///session?socket=" + socket}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for begun := time.Now(); came.Load() < 2; time.Sleep(time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatal("it is not asked again")
		}
	}
	begun, before := time.Now(), came.Load()
	for time.Since(begun) < 2*time.Second {
		time.Sleep(10 * time.Millisecond)
	}
	if n := came.Load() - before; n > 6 {
		t.Errorf("the node was asked %d times within 2 s", n)
	}
}

// Streams are small; what claims to be long would cost memory for each guest.
func TestALongAnswerOnAGuestsConnectionIsRefused(t *testing.T) {
	here, there := net.Pipe()
	r := &rpc{conn: newFramed(here)}
	go func() {
		var p []byte
		for _, w := range []uint32{32 << 20, remoteProgram, 1, procDomainChannel, typeStream, 0, statusContinue} {
			p = binary.BigEndian.AppendUint32(p, w)
		}
		_, _ = there.Write(p)
		_ = there.Close()
	}()
	if _, err := r.receiveStream(); !errors.Is(err, errPacket) {
		t.Errorf("a packet of 32 MiB in a stream gives %v", err)
	}
}

// Whoever broke out of a guest has libvirtd's user, and names paths.
func TestRootsSocketsAreNotReachedForALibvirtdOfAnother(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root has more rights than libvirtd's user")
	}
	roots := pretend(t, func(net.Conn, uint32) []byte { return nil })
	folder := filepath.Dir(pretend(t, func(net.Conn, uint32) []byte { return nil }))
	if err := os.Chown(folder, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	way := local{target{socket: filepath.Join(folder, "libvirt-sock")}}
	if conn, err := way.socket(t.Context(), roots); err == nil {
		_ = conn.Close()
		t.Error("root's socket was dialled for another user's libvirtd")
	}
	t.Setenv("SECRET_OF_THE_GATEWAY", "42")
	out, err := way.command(t.Context(), nil, "id -u; env", nil)
	if err != nil || string(out[:6]) != "65534\n" || strings.Contains(string(out), "SECRET") {
		t.Errorf("a command has the environment %q, %v", out, err)
	}
	own := local{target{socket: roots}} // root's own libvirtd
	conn, err := own.socket(t.Context(), roots)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

// A node that lies about lengths, answers twice or what nobody asked, loses its
// connection at most: it must not take the gateway's memory, nor its patience.
func TestLyingAnswers(t *testing.T) {
	number := func(n ...uint32) (p []byte) {
		for _, w := range n {
			p = binary.BigEndian.AppendUint32(p, w)
		}
		return p
	}
	reply := func(procedure, serial uint32, payload []byte) []byte {
		return append(number(headerSize+uint32(len(payload)), remoteProgram, 1, procedure, typeReply, serial, statusOK), payload...)
	}
	const list = 273
	for what, lie := range map[string]func(serial uint32) []byte{
		"two billion domains": func(serial uint32) []byte { return reply(list, serial, number(1<<31-1, 0)) },
		"a name of 2 GB":      func(serial uint32) []byte { return reply(list, serial, number(1, 1<<31-8, 0)) },
		"an event of 2 GB": func(uint32) []byte {
			return append(number(headerSize+8, remoteProgram, 1, procLifecycle, typeMessage, 0, statusOK), number(0, 1<<31-8)...)
		},
		"an event in place of an answer": func(serial uint32) []byte { return reply(340, serial, number(1<<31-8)) },
		"another procedure's answer":     func(serial uint32) []byte { return reply(66, serial, number(0)) },
		"an error of 2 GB": func(serial uint32) []byte {
			p := reply(list, serial, number(1, 0, 1, 1<<31-8))
			p[headerSize-1] = statusError
			return p
		},
	} {
		t.Run(what, func(t *testing.T) {
			socket := pretend(t, func(conn net.Conn, procedure uint32) []byte {
				if procedure == list {
					// Serials of go-libvirt count from 1; that of the list is one of the first.
					for serial := range uint32(8) {
						_, _ = conn.Write(lie(serial))
					}
				}
				return honest(procedure)
			})
			c, err := New(Endpoint{URI: "qemu:///session?socket=" + socket}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			begun := time.Now()
			_, err = Ask(ctx, c, "list", func(l *libvirt.Libvirt) ([]libvirt.Domain, error) {
				all, _, err := l.ConnectListAllDomains(1, 0)
				return all, err
			})
			if err == nil || time.Since(begun) > 30*time.Second {
				t.Errorf("after %v: %v", time.Since(begun), err)
			}
		})
	}
}

// go-libvirt hands an answer over without a buffer, holding its lock.
func TestASecondAnswerLocksNothingUp(t *testing.T) {
	socket := pretend(t, func(conn net.Conn, procedure uint32) []byte {
		if procedure == 157 {
			for serial := range uint32(20) {
				p := []byte{}
				for _, w := range []uint32{headerSize + 8, remoteProgram, 1, 157, typeReply, serial, statusOK, 0, 9_000_000} {
					p = binary.BigEndian.AppendUint32(p, w)
				}
				_, _ = conn.Write(append(p, p...))
			}
			return make([]byte, 8)
		}
		return honest(procedure)
	})
	c, err := New(Endpoint{URI: "qemu:///session?socket=" + socket}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 10 {
		if _, err := Ask(ctx, c, "ask for its version", (*libvirt.Libvirt).ConnectGetLibVersion); err != nil {
			t.Fatal(err)
		}
	}
}

// Whoever asks for a piece keeps it in memory.
func TestADownloadGivesNoMoreThanWasAskedFor(t *testing.T) {
	socket := pretend(t, func(conn net.Conn, procedure uint32) []byte {
		if procedure != procVolDownload {
			return honest(procedure)
		}
		go func() {
			for serial := uint32(1); ; serial = serial%4 + 1 {
				var p []byte
				for _, w := range []uint32{headerSize + 1000, remoteProgram, 1, procVolDownload, typeStream, serial, statusContinue} {
					p = binary.BigEndian.AppendUint32(p, w)
				}
				if _, err := conn.Write(append(p, make([]byte, 1000)...)); err != nil {
					return
				}
			}
		}()
		return []byte{}
	})
	c, err := New(Endpoint{URI: "qemu:///session?socket=" + socket}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var got bytes.Buffer
	err = c.Download(ctx, libvirt.StorageVol{Name: "x"}, 0, 5000, &got)
	if !errors.Is(err, errPacket) || got.Len() > 5000 {
		t.Errorf("of 5000 bytes %d came: %v", got.Len(), err)
	}
}
