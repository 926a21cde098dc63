package vmbackend

import (
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestCardsThatNoGuestCanHave(t *testing.T) {
	good := Card{Network: "lab-lan", Name: "lan", MAC: "02:4c:00:00:01:01", Addresses: []netip.Prefix{netip.MustParsePrefix("10.77.1.1/24")}}
	spec := func(change func(*Spec)) Spec {
		s := Spec{ID: "web", HostKey: []byte("k"), AuthorizedKey: []byte("k"), Cards: []Card{good},
			Hosts: []HostName{{Name: "db", Address: netip.MustParseAddr("10.77.1.2")}}}
		change(&s)
		return s
	}
	if err := spec(func(*Spec) {}).Check(0); err != nil {
		t.Fatalf("a good card is refused: %v", err)
	}
	second := good
	second.Network, second.Name, second.MAC = "lab-wan", "wan", "02:4c:00:00:02:01"
	for want, change := range map[string]func(*Spec){
		"no share":              func(s *Spec) { s.Cards[0].Link.Loss = math.NaN() },
		"a loss of 1.5":         func(s *Spec) { s.Cards[0].Link.Loss = 1.5 },
		"a delay of":            func(s *Spec) { s.Cards[0].Link.Delay = time.Minute },
		"bits per second":       func(s *Spec) { s.Cards[0].Link.Rate = -1 },
		`network "../x"`:        func(s *Spec) { s.Cards[0].Network = "../x" },
		`called "eth0"`:         func(s *Spec) { s.Cards[0].Name = "eth0" },
		`called "a/b"`:          func(s *Spec) { s.Cards[0].Name = "a/b" },
		"no Ethernet address":   func(s *Spec) { s.Cards[0].MAC = "01:00:5e:00:00:01" },
		"an address is empty":   func(s *Spec) { s.Cards[0].Addresses = []netip.Prefix{{}} },
		"too many":              func(s *Spec) { s.Cards = make([]Card, MaxCards+1) },
		"the same network":      func(s *Spec) { second := second; second.Network = good.Network; s.Cards = append(s.Cards, second) },
		"the same name":         func(s *Spec) { second := second; second.Name = good.Name; s.Cards = append(s.Cards, second) },
		"the same address":      func(s *Spec) { second := second; second.MAC = good.MAC; s.Cards = append(s.Cards, second) },
		"no name and address":   func(s *Spec) { s.Hosts[0].Name = "db\n10.0.0.1 evil" },
		`"db" at invalid IP is`: func(s *Spec) { s.Hosts[0].Address = netip.Addr{} },
	} {
		err := spec(change).Check(0)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that says %q", err, want)
		}
	}
}
