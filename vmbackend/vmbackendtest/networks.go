package vmbackendtest

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
)

// onNetwork gives a guest a card called "lan" on a network, and its address.
// Addresses are in 10.77.1.0/24 whatever the network.
func onNetwork(network string, address byte) func(*vmbackend.Spec) {
	return func(s *vmbackend.Spec) {
		s.Cards = append(s.Cards, vmbackend.Card{Network: network, Name: "lan", MAC: fmt.Sprintf("02:4c:00:00:01:%02x", address),
			Addresses: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 77, 1, address}), 24)}})
		s.Hosts = append(s.Hosts, vmbackend.HostName{Name: "first", Address: netip.MustParseAddr("10.77.1.1")},
			vmbackend.HostName{Name: "second", Address: netip.MustParseAddr("10.77.1.2")})
	}
}

// Cards are offered whole or refused.
func testCards(w *bench) {
	n, able := w.b.(vmbackend.Networker)
	spec := w.plan("card", onNetwork("lab-1", 1)).spec
	if !able {
		w.wantError("Create with a card", w.b.Create(w.ctx, spec), vmbackend.ErrNotOffered)
		return
	}
	w.wantError("SetLink of no guest", n.SetLink(w.ctx, "nobody", "lab-1", vmbackend.Link{}), vmbackend.ErrNoGuest)
	if err := w.b.Create(w.ctx, spec); err != nil {
		w.Skipf("no guest can have cards here: %v", err) // a cluster of nodes that have none
	}
	if err := n.SetLink(w.ctx, "card", "lab-1", vmbackend.Link{Delay: time.Second}); err != nil {
		w.Errorf("SetLink of a guest that does not run: %v", err)
	}
	if err := n.SetLink(w.ctx, "card", "lab-2", vmbackend.Link{}); err == nil {
		w.Error("SetLink of a network that the guest is not on: no error")
	}
	if err := n.SetLink(w.ctx, "card", "lab-1", vmbackend.Link{Loss: 2}); err == nil {
		w.Error("SetLink accepted a loss of 2")
	}
	for _, bad := range []func(*vmbackend.Card){
		func(c *vmbackend.Card) { c.Network = "../up" },
		func(c *vmbackend.Card) { c.Name = "eth0" },
		func(c *vmbackend.Card) { c.MAC = "none" },
		func(c *vmbackend.Card) { c.Link.Loss = -1 },
	} {
		m := w.plan("bad", onNetwork("lab-1", 2))
		bad(&m.spec.Cards[0])
		if err := w.b.Create(w.ctx, m.spec); err == nil {
			w.Errorf("Create accepted the card %+v", m.spec.Cards[0])
		}
		m.expectGone()
	}
}

// A guest reaches the others on its network by their names, those on no other,
// and nothing else.
func testNetworks(w *bench) {
	if !w.Wired {
		w.Skip("cards carry nothing here")
	}
	a := w.create("a", onNetwork("lab-1", 1))
	b := w.create("b", onNetwork("lab-1", 2), func(s *vmbackend.Spec) {
		s.Cards = append(s.Cards, vmbackend.Card{Network: "lab-1-wan", Name: "wan", MAC: "02:4c:00:00:02:02"})
	})
	// Another student's lab has the same names and addresses.
	c := w.create("c", onNetwork("lab-2", 3))
	w.each(3, func(i int) error { return w.b.Start(w.ctx, []string{"a", "b", "c"}[i]) })
	inA, inB, inC := a.connect("root"), b.connect("root"), c.connect("root")
	w.pings(inA, "second")
	w.pings(inB, "first")
	w.pings(inA, "first")
	for _, address := range []string{"10.77.1.1", "10.77.1.2"} {
		w.silent(inC, address)
	}
	w.silent(inA, "10.77.1.3")
	const cards = "for c in /sys/class/net/*/; do c=${c%/}; case $(readlink -f $c) in */virtual/*) ;; */net/*) echo ${c##*/} ;; esac; done"
	if got := w.run(inB, cards); got != "lan\nwan" {
		w.Errorf("the guest has the cards %q, want lan and wan", got)
	}
	if got := w.run(inB, "cat /sys/class/net/wan/address; ip -o addr show dev wan; ip link show dev wan"); !strings.HasPrefix(got, "02:4c:00:00:02:02") ||
		strings.Contains(got, "inet") || strings.Contains(got, "UP") {
		w.Errorf("a card without addresses is to be left down, it is %q", got)
	}
	if got, _, status, _ := w.try(inA, "ip route", ""); status != 0 || strings.Contains(got, "default") {
		w.Errorf("the guest has a route out: %q", got)
	}
	// The student may change all: other addresses pass just so.
	w.run(inA, "ip addr add 192.168.9.1/24 dev lan")
	w.run(inB, "ip addr add 192.168.9.2/24 dev lan")
	w.pings(inA, "192.168.9.2")
	boot := b.boot()
	b.stop()
	b.start()
	if b.boot() == boot {
		w.Error("the guest was not booted anew")
	}
	w.pings(inA, "second")
	if got := w.run(b.connect("root"), "grep -c 10.77.1.1 /etc/hosts"); got != "1" {
		w.Errorf("after another start /etc/hosts has the other guest %s times", got)
	}
	b.destroy()
	w.silent(inA, "second")
}

// Links have their shape from the start, get another one at once, and keep it.
func testLinks(w *bench) {
	if !w.Wired {
		w.Skip("cards carry nothing here")
	}
	a := w.create("a", onNetwork("lab", 1), func(s *vmbackend.Spec) { s.Cards[0].Link.Cut = true })
	b := w.create("b", onNetwork("lab", 2))
	w.each(2, func(i int) error { return w.b.Start(w.ctx, []string{"a", "b"}[i]) })
	client := a.connect("root")
	w.silent(client, "second")
	w.silent(b.connect("root"), "first")
	set := func(l vmbackend.Link) {
		w.Helper()
		if err := w.b.(vmbackend.Networker).SetLink(w.ctx, a.id, "lab", l); err != nil {
			w.Fatalf("SetLink %+v: %v", l, err)
		}
	}
	set(vmbackend.Link{})
	plain := w.pings(client, "second")
	// The least of some rounds: a busy machine makes it longer, never shorter.
	const late = 400 * time.Millisecond
	for _, l := range []vmbackend.Link{{Delay: late}, {Rate: int64(pingBytes * 8 * time.Second / late)}} {
		set(l)
		if slow := w.pings(client, "second"); slow < late || slow > 4*(late+plain) {
			w.Errorf("a ping by %+v took %v, expected a bit more than %v; by a plain link it took %v", l, slow, late, plain)
		}
	}
	set(vmbackend.Link{Loss: 1})
	w.silent(client, "second")
	set(vmbackend.Link{Delay: late})
	w.reopen()
	a.b, b.b = w.b, w.b
	a.stop()
	a.start()
	client = a.connect("root")
	if slow := w.pings(client, "second"); slow < late {
		w.Errorf("after another start a ping took %v, the delay of %v is lost", slow, late)
	}
	set(vmbackend.Link{})
	if quick := w.pings(client, "second"); quick >= late {
		w.Errorf("without the delay a ping still took %v", quick)
	}
}

// pingBytes is how long the frame of a ping is.
const pingBytes = 1000

var pingTime = regexp.MustCompile(`time=([0-9.]+) ms`)

// pings expects an answer and returns the least time that one took of two.
func (w *bench) pings(client *ssh.Client, to string) time.Duration {
	w.Helper()
	var out string
	for end := time.Now().Add(w.Patience); ; {
		var status int
		out, _, status, _ = w.try(client, fmt.Sprintf("ping -c 2 -s %d -W 10 %s 2>&1", pingBytes-42, to), "")
		if status == 0 {
			break
		}
		if time.Now().After(end) {
			w.Fatalf("%s does not answer: %s", to, out)
		}
	}
	least := time.Duration(0)
	for _, m := range pingTime.FindAllStringSubmatch(out, -1) {
		ms, _ := strconv.ParseFloat(m[1], 64)
		if took := time.Duration(ms * float64(time.Millisecond)); least == 0 || took < least {
			least = took
		}
	}
	if least == 0 {
		w.Fatalf("ping says no time: %s", out)
	}
	return least
}

// silent expects no answer.
func (w *bench) silent(client *ssh.Client, to string) {
	w.Helper()
	out, _, status, err := w.try(client, "ping -c 1 -W 1 "+to+" 2>&1", "")
	if err != nil || status == 0 {
		w.Errorf("ping of %s should get no answer: status %d, %v, %s", to, status, err, out)
	}
}
