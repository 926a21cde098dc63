package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"sync"
)

// go-libvirt believes the lengths that stand in an answer: a node that says
// "two billion domains" would end the gateway for want of memory. And it can be
// locked up by a second answer to the same call. So what it reads is looked
// through before: checked lets through answers to calls that were made, once
// each, and lifecycle events, if their lengths can be true.
type checked struct {
	*framed
	rest []byte // let through, but not read yet
	out  bounds // of the one writer

	mu    sync.Mutex
	asked map[uint32]uint32 // procedures by the serials of calls
}

func newChecked(f *framed) *checked {
	return &checked{framed: f, asked: map[uint32]uint32{}}
}

// Forms of answers, a letter for a field: w is 4 bytes, l 8, u 16 and s a
// string; (…) is an array. Procedures that answer nothing are not listed.
const (
	formDomain = "suw"
	formEvent  = "w" + formDomain + "ww"
)

var forms = map[uint32]string{
	4: "l", 7: "s", 10: formDomain, 11: formDomain, 14: "s", 16: "wllwl", 23: formDomain, 60: "w", 66: "(w)", 70: "w",
	76: "su", 77: "su", 84: "su", 87: "wlll", 93: "sss", 110: "s", 125: "sss", 154: "w", 157: "l", 159: "(wl)",
	185: "s" + formDomain, 196: formDomain, 212: "ww", 227: "(sl)w", 228: "(sl)w", 265: "s", 273: "(" + formDomain + ")w",
	282: "(sss)w", 316: "w", 342: "s", 378: "wll",
	6: strings.Repeat("w", 32) + "l" + strings.Repeat("w", 6),
}

const (
	typeMessage   = 2
	procLifecycle = 318 // REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE
)

// Write notes which calls are made; go-libvirt begins each packet with a Write
// of its own.
func (c *checked) Write(p []byte) (int, error) {
	if c.out.between() && len(p) >= headerSize && binary.BigEndian.Uint32(p[16:]) == typeCall {
		c.mu.Lock()
		c.asked[binary.BigEndian.Uint32(p[20:])] = binary.BigEndian.Uint32(p[12:])
		c.mu.Unlock()
	}
	if err := c.out.advance(p); err != nil {
		return 0, err
	}
	return c.framed.Write(p)
}

func (c *checked) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		packet, err := c.packet()
		if err == nil {
			c.rest, err = c.judge(packet)
		}
		if err != nil {
			_ = c.Close()
			return 0, err
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// packet reads one, with its length. What is kept grows with what comes.
func (c *checked) packet() ([]byte, error) {
	var b bytes.Buffer
	if _, err := io.CopyN(&b, c.framed, 4); err != nil {
		return nil, err
	}
	_, err := io.CopyN(&b, c.framed, int64(binary.BigEndian.Uint32(b.Bytes()))-4)
	return b.Bytes(), err
}

// judge returns the packet if go-libvirt may see it, or nothing.
func (c *checked) judge(packet []byte) ([]byte, error) {
	word := func(i int) uint32 { return binary.BigEndian.Uint32(packet[4*i:]) }
	procedure, serial, payload := word(3), word(5), packet[headerSize:]
	form := formEvent
	switch {
	case word(1) == remoteProgram && word(4) == typeMessage && procedure == procLifecycle:
	case word(1) == remoteProgram && word(4) == typeReply && c.answers(serial, procedure):
		form = forms[procedure]
		if word(6) != statusOK {
			form = "wwws" // how go-libvirt reads an error
		}
	default:
		return nil, nil
	}
	if _, fits := fit(form, payload); !fits || form == "" && len(payload) > 0 {
		return nil, fmt.Errorf("%w: the answer to procedure %d has lengths that can't be, or a form that is missing in wire's forms", errPacket, procedure)
	}
	return packet, nil
}

// answers says whether a call of that serial waits, which it then does no more.
func (c *checked) answers(serial, procedure uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked, waits := c.asked[serial]
	if !waits || asked != procedure {
		return false
	}
	delete(c.asked, serial)
	return true
}

// fit says whether a payload can have a form, and returns what follows.
func fit(form string, p []byte) (rest []byte, fits bool) {
	for ; form != ""; form = form[1:] {
		size := map[byte]uint64{'w': 4, 'l': 8, 'u': 16, 's': 4, '(': 4}[form[0]]
		if uint64(len(p)) < size {
			return nil, false
		}
		length := uint64(0)
		if size == 4 {
			length = uint64(binary.BigEndian.Uint32(p))
		}
		p = p[size:]
		switch form[0] {
		case 's':
			length = (length + 3) &^ 3
			if length > uint64(len(p)) {
				return nil, false
			}
			p = p[length:]
		case '(':
			end := strings.IndexByte(form, ')')
			for range length { // each takes some bytes, so there are not many
				if p, fits = fit(form[1:end], p); !fits {
					return nil, false
				}
			}
			form = form[end:]
		}
	}
	return p, true
}
