package mirror

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestAShareIsSpentAndEarned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := shares{burst: 1000, rate: 10, guests: map[string]*share{}}
		start := time.Now()
		s := all.of("a")
		for range 10 {
			if err := s.pay(t.Context(), 110); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("1100 bytes took %s; 1000 are free, 100 are 10 s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.pay(ctx, 1000); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who hangs up waits on: %v", err)
		}
		if err := all.of("b").pay(t.Context(), 1000); err != nil || time.Since(start) > 11*time.Second {
			t.Error("another guest has to wait too")
		}
		time.Sleep(time.Hour)
		all.of("c")
		if len(all.guests) != 1 {
			t.Errorf("%d shares are remembered though all but one are full", len(all.guests))
		}
	})
}

func TestTheLogCannotBeFlooded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &share{}
		lines := 0
		for range 1000 {
			if _, ok := s.mayLog(); ok {
				lines++
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		left, ok := s.mayLog()
		if lines != 1 || !ok || left != 999 {
			t.Errorf("a second of 1000 requests wrote %d lines, the next one tells of %d (%v)", lines, left, ok)
		}
	})
}

func TestInnerAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1": true, "127.9.9.9": true, "0.0.0.0": true, "10.1.2.3": true, "172.16.0.1": true, "192.168.1.1": true,
		"169.254.169.254": true, "100.64.0.1": true, "224.0.0.1": true, "255.255.255.255": true, "::": true, "::1": true,
		"fe80::1": true, "fd00::1": true, "ff02::1": true, "::ffff:127.0.0.1": true, "::ffff:10.0.0.1": true, "64:ff9b::7f00:1": true,
		"2002:7f00:1::": true, "2001:0:1::1": true, "::127.0.0.1": true, "fec0::1": true, "fd00:ec2::254": true,
		"151.101.2.132": false, "::ffff:151.101.2.132": false, "2a04:4e42::644": false,
	} {
		if got := inner(netip.MustParseAddr(address)); got != want {
			t.Errorf("inner(%s) is %v", address, got)
		}
	}
}

func TestTargets(t *testing.T) {
	for text, want := range map[string]string{
		"http://deb.example/debian":         "http://deb.example/debian/",
		"http://deb.example/debian/":        "http://deb.example/debian/",
		"https://deb.example":               "http://deb.example/",
		"https://deb.example:8443/x":        "http://deb.example:8443/x/",
		"http://10.1.2.3:3142/debian":       "http://10.1.2.3:3142/debian/",
		"http://[fd00::1]/debian":           "http://[fd00::1]/debian/",
		"http://mirror.lan/debian=10.1.2.3": "http://mirror.lan/debian/",
		"http://mirror.lan=fd00::1":         "http://mirror.lan/",
	} {
		target, err := ParseTarget(text)
		if err != nil || target.String() != want {
			t.Errorf("%s: got %s, %v", text, target, err)
		}
	}
	for _, text := range []string{"", "deb.example/debian", "ftp://deb.example", "http://", "http://u:p@deb.example", "http://deb.example/?q", "http://deb.example/a/../b", "http://deb.example=nowhere", "http://deb.example=1.2.3.4=5"} {
		if _, err := ParseTarget(text); err == nil {
			t.Errorf("%q was taken for a mirror", text)
		}
	}
}
