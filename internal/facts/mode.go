package facts

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// modeTest is a test of permission bits: those of mask must be bits.
type modeTest struct{ mask, bits uint32 }

func (m modeTest) holds(mode uint32) bool { return mode&m.mask == m.bits }

// parseMode reads "0640", or "u=rw,g=r,o=" (what is not named may be
// anything), with + and - for single bits.
func parseMode(text string) (modeTest, error) {
	wrong := fmt.Errorf("%q is no mode: write \"0640\" or \"u=rw,g=r,o=\"", text)
	if text != "" && text[0] >= '0' && text[0] <= '9' {
		n, err := strconv.ParseUint(text, 8, 32)
		if err != nil || n > 0o7777 {
			return modeTest{}, wrong
		}
		return modeTest{0o7777, uint32(n)}, nil
	}
	var m modeTest
	for clause := range strings.SplitSeq(text, ",") {
		at := strings.IndexAny(clause, "=+-")
		if at < 1 {
			return m, wrong
		}
		for _, who := range clause[:at] {
			if !m.clause(who, clause[at], clause[at+1:]) {
				return m, wrong
			}
		}
	}
	return m, nil
}

func (m *modeTest) clause(who rune, op byte, rights string) bool {
	if who == 'a' {
		return m.clause('u', op, rights) && m.clause('g', op, rights) && m.clause('o', op, rights)
	}
	shift := strings.IndexRune("ogu", who)
	if shift < 0 {
		return false
	}
	place := uint(3 * shift)
	// What makes a file run as another's is the user's and the group's own;
	// the sticky bit belongs to others.
	special := []uint32{0o1000, 0o2000, 0o4000}[shift]
	var bits uint32
	for _, r := range rights {
		switch r {
		case 'r':
			bits |= 4 << place
		case 'w':
			bits |= 2 << place
		case 'x':
			bits |= 1 << place
		case 's', 't':
			if (r == 't') != (who == 'o') {
				return false
			}
			bits |= special
		default:
			return false
		}
	}
	switch op {
	case '=':
		m.mask |= 7<<place | special
		m.bits |= bits
	case '+':
		m.mask |= bits
		m.bits |= bits
	case '-':
		m.mask |= bits
	}
	return true
}

// unixMode is a mode's twelve bits as chmod has them.
func unixMode(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	if m&fs.ModeSetuid != 0 {
		bits |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		bits |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return bits
}
