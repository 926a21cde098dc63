package shim

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/labmark/labmark/vmbackend"
)

// card is a guest that has nothing but a card, plugged into a network.
type card struct {
	*port
	end *os.File
}

func newCard(t *testing.T, network, name string, link vmbackend.Link) *card {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := &card{end: os.NewFile(uintptr(pair[1]), name)}
	if c.port, err = plugIn(network, name, os.NewFile(uintptr(pair[0]), name), link); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.unplug(); _ = c.end.Close() })
	return c
}

const group = 255

func frame(to, from byte, text string) []byte {
	head := []byte{2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0}
	if to == group {
		head[0] = 3
	}
	return append(head, text...)
}

func (c *card) send(t *testing.T, to, from byte, text string) {
	t.Helper()
	if _, err := c.end.Write(frame(to, from, text)); err != nil {
		t.Fatal(err)
	}
}

// hears waits for one frame's text.
func (c *card) hears(t *testing.T, want string) {
	t.Helper()
	buf := make([]byte, longestFrame)
	_ = c.end.SetReadDeadline(time.Now().Add(time.Minute))
	n, err := c.end.Read(buf)
	if err != nil || string(buf[etherHeader:n]) != want {
		t.Fatalf("%s heard %q, %v, want %q", c.name, buf[:n], err, want)
	}
}

// Frames for one reach one, frames for all reach all, and those for somebody
// unknown too. The last frame of each is the proof that none came before.
func TestSwitch(t *testing.T) {
	folder := filepath.Join(t.TempDir(), strings.Repeat("long", 40), "lan")
	a, b, c := newCard(t, folder, "a", vmbackend.Link{}), newCard(t, folder, "b", vmbackend.Link{}), newCard(t, folder, "c", vmbackend.Link{})
	a.send(t, group, 1, "who is there?")
	b.hears(t, "who is there?")
	c.hears(t, "who is there?")
	b.send(t, 1, 2, "I am")
	a.hears(t, "I am")
	a.send(t, 2, 1, "only for b")
	b.hears(t, "only for b")
	a.send(t, 9, 1, "for a stranger")
	b.hears(t, "for a stranger")
	c.hears(t, "for a stranger") // and not what was for b
	a.send(t, 2, 1, strings.Repeat("x", 1504))
	b.hears(t, strings.Repeat("x", 1504))
	// A guest that moves to another card is found there.
	c.send(t, group, 2, "b is here now")
	a.hears(t, "b is here now")
	b.hears(t, "b is here now")
	a.send(t, 2, 1, "for b at c")
	c.hears(t, "for b at c")
}

func TestNetworksAreApart(t *testing.T) {
	dir := t.TempDir()
	a := newCard(t, filepath.Join(dir, "one"), "a", vmbackend.Link{})
	b := newCard(t, filepath.Join(dir, "one"), "b", vmbackend.Link{})
	x := newCard(t, filepath.Join(dir, "two"), "x", vmbackend.Link{})
	y := newCard(t, filepath.Join(dir, "two"), "y", vmbackend.Link{})
	a.send(t, group, 1, "to one")
	b.hears(t, "to one")
	x.send(t, group, 1, "to two")
	y.hears(t, "to two") // the first that it hears
	y.send(t, 1, 2, "back")
	x.hears(t, "back")
}

// A cable that is cut passes nothing, either way.
func TestSwitchCut(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "lan")
	a, b, c := newCard(t, folder, "a", vmbackend.Link{}), newCard(t, folder, "b", vmbackend.Link{Cut: true}), newCard(t, folder, "c", vmbackend.Link{})
	b.send(t, group, 2, "from b")
	a.send(t, group, 1, "from a")
	c.hears(t, "from a")
	c.send(t, 1, 3, "b's port has had time to lose what came")
	a.hears(t, "b's port has had time to lose what came")
	b.cable.set(vmbackend.Link{})
	a.send(t, group, 1, "mended")
	c.hears(t, "mended")
	// What a sent before may still be in the queue when the cable is mended.
	buf := make([]byte, longestFrame)
	for text := ""; text != "mended"; {
		_ = b.end.SetReadDeadline(time.Now().Add(time.Minute))
		n, err := b.end.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if text = string(buf[etherHeader:n]); text != "mended" && text != "from a" {
			t.Errorf("b heard %q", text)
		}
	}
}

// A guest may go and come again; who knew it finds it.
func TestSwitchPeerComesBack(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "lan")
	a := newCard(t, folder, "a", vmbackend.Link{})
	for i := range 3 {
		b := newCard(t, folder, "b", vmbackend.Link{})
		text := fmt.Sprintf("try %d", i)
		heard := make(chan struct{})
		go func() { // a learns of a new peer only by and by
			defer close(heard)
			b.hears(t, text)
		}()
		for done := false; !done; {
			a.send(t, 2, 1, text)
			select {
			case <-heard:
				done = true
			case <-time.After(lookEvery):
			}
		}
		b.send(t, 1, 2, "here")
		a.hears(t, "here")
		b.unplug()
	}
}

// One that does not read holds up neither the others nor itself for long.
func TestSwitchFullPeer(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "lan")
	a, b := newCard(t, folder, "a", vmbackend.Link{}), newCard(t, folder, "b", vmbackend.Link{})
	newCard(t, folder, "deaf", vmbackend.Link{})
	begin := time.Now()
	for i := range 500 {
		text := fmt.Sprint(i)
		a.send(t, group, 1, text)
		b.hears(t, text)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("500 frames took %v beside a guest that does not read", took)
	}
	if len(a.peers.all()) != 2 {
		t.Errorf("a sees %v", a.peers.all())
	}
}

// A guest that invents addresses fills no table.
func TestSwitchForgetsAddresses(t *testing.T) {
	p := newPeers(0, "a")
	for i := range 10_000 {
		p.learn(mac{2, 0, 0, 0, byte(i >> 8), byte(i)}, "b")
	}
	if len(p.owners) > knownMACs {
		t.Errorf("%d addresses are remembered", len(p.owners))
	}
	p.learn(mac{3}, "b")
	if _, known := p.owner(mac{3}); known {
		t.Error("a group's address has an owner")
	}
}

// A flood is read no faster than a port may.
func TestSwitchFlood(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "lan")
	a := newCard(t, folder, "a", vmbackend.Link{})
	begin := time.Now()
	sent := 0
	for time.Since(begin) < 300*time.Millisecond {
		if _, err := a.end.Write(frame(group, 1, "x")); err != nil {
			t.Fatal(err)
		}
		sent++
	}
	// Each counts as portLeast bytes; the burst and the queue come on top.
	most := int((time.Since(begin)+portBurst).Seconds()*portRate/8/portLeast) + 300
	if sent > most {
		t.Errorf("%d frames were read in %v, at most %d may be", sent, time.Since(begin), most)
	}
	t.Logf("%d frames in %v", sent, time.Since(begin))
}
