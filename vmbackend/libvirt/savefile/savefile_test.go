package savefile

import (
	"encoding/binary"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// file makes a head as libvirt does.
func file(xml, cookie string, length int) []byte {
	raw := make([]byte, Size+length)
	copy(raw, magic)
	binary.LittleEndian.PutUint32(raw[atVersion:], version)
	binary.LittleEndian.PutUint32(raw[atLength:], uint32(length))
	copy(raw[Size:], xml)
	if cookie != "" {
		binary.LittleEndian.PutUint32(raw[atCookie:], uint32(len(xml)+1))
		copy(raw[Size+len(xml)+1:], cookie)
	}
	return raw
}

func TestAnotherDescription(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-zé<>/ ]{0,200}`)
		xml, other, cookie := text.Draw(t, "xml"), text.Draw(t, "other"), rapid.SampledFrom([]string{"", "<cookie/>"}).Draw(t, "cookie")
		raw := file(xml, cookie, 1024)
		head, err := Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if head.XML() != xml {
			t.Fatalf("read %q, want %q", head.XML(), xml)
		}
		changed, err := head.With(other)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(changed)
		if err != nil {
			t.Fatal(err)
		}
		if len(changed) != len(raw) || again.XML() != other || string(again.cookie()) != cookie {
			t.Fatalf("%d bytes, %q, %q; want %d, %q, %q", len(changed), again.XML(), again.cookie(), len(raw), other, cookie)
		}
		if binary.LittleEndian.Uint32(changed[atRunning:]) != 1 {
			t.Fatal("the machine would not run")
		}
	})
}

func TestRefuses(t *testing.T) {
	good := file("<domain/>", "<cookie/>", 100)
	change := func(at int, value uint32) []byte {
		raw := append([]byte(nil), good...)
		binary.LittleEndian.PutUint32(raw[at:], value)
		return raw
	}
	for name, raw := range map[string][]byte{
		"nothing":          nil,
		"short":            good[:50],
		"broken off":       append([]byte("LibvirtQemudPart"), good[16:]...),
		"version":          change(atVersion, 3),
		"compressed":       change(atCompressed, 1),
		"huge":             change(atLength, 1<<31),
		"truncated":        good[:len(good)-1],
		"cookie elsewhere": change(atCookie, 5000),
	} {
		if _, err := Parse(raw); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	head, err := Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := head.With(strings.Repeat("x", 100)); err == nil {
		t.Error("a description that does not fit was accepted")
	}
}

// A node may send anything for a head.
func FuzzHead(f *testing.F) {
	f.Add(file("<domain/>", "<cookie/>", 64), "<domain><name>other</name></domain>")
	f.Add(file("", "", 1), "")
	f.Fuzz(func(t *testing.T, raw []byte, other string) {
		head, err := Parse(raw)
		if err != nil {
			return
		}
		if !strings.Contains(string(raw), head.XML()) {
			t.Errorf("the description %q is not in the head", head.XML())
		}
		if changed, err := head.With(other); err == nil && len(changed) != len(raw) {
			t.Errorf("the head had %d bytes and has %d now", len(raw), len(changed))
		}
	})
}
