package agent

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// scanner cuts terminal output into plain text and control sequences, as
// ECMA-48 and xterm's ctlseqs describe them. It keeps what is incomplete for
// the next call.
type scanner struct{ held []byte }

const esc = 0x1b

// maxSequence ends an unfinished sequence: what is longer was none.
const maxSequence = 4096

// scan calls f for each piece, in order.
func (s *scanner) scan(p []byte, f func(piece []byte)) {
	if len(s.held) > 0 {
		p = append(s.held, p...)
		s.held = nil
	}
	for len(p) > 0 {
		at := bytes.IndexByte(p, esc)
		if at < 0 {
			f(p)
			return
		}
		if at > 0 {
			f(p[:at])
			p = p[at:]
		}
		n := sequenceLength(p)
		if n == 0 {
			if len(p) <= maxSequence {
				s.held = bytes.Clone(p)
				return
			}
			n = 1
		}
		f(p[:n])
		p = p[n:]
	}
}

// sequenceLength returns how long the sequence is that p starts with, or 0 if
// its end is not in p. An ESC inside a sequence cancels it and starts another;
// other control characters inside are obeyed by terminals and change nothing.
func sequenceLength(p []byte) int {
	if len(p) < 2 {
		return 0
	}
	switch p[1] {
	case esc:
		return 1
	case '[': // CSI: parameters, then a final byte
		return lengthUntil(p, 2, func(b byte) bool { return b >= 0x40 })
	case ']', 'P', 'X', '^', '_': // OSC, DCS, SOS, PM, APC: up to BEL or ST
		return stringLength(p)
	}
	return lengthUntil(p, 1, func(b byte) bool { return b >= 0x30 })
}

func lengthUntil(p []byte, from int, final func(byte) bool) int {
	for i := from; i < len(p); i++ {
		if p[i] == esc {
			return i
		}
		if final(p[i]) {
			return i + 1
		}
	}
	return 0
}

func stringLength(p []byte) int {
	for i := 2; i < len(p); i++ {
		switch {
		case p[i] == 0x07:
			return i + 1
		case p[i] == esc && i+1 == len(p):
			return 0
		case p[i] == esc && p[i+1] == '\\':
			return i + 2
		case p[i] == esc:
			return i
		}
	}
	return 0
}

// isBroken says whether piece is a sequence that was cancelled. Left in a
// replay, its beginning might join with what follows something left out.
func isBroken(piece []byte) bool {
	return piece[0] == esc && sequenceLength(piece) != len(piece)
}

// isQuestion says whether a sequence makes the terminal answer. Replaying it
// would type the answer into the shell.
func isQuestion(seq []byte) bool {
	if len(seq) < 3 || seq[0] != esc {
		return false
	}
	final := seq[len(seq)-1]
	switch seq[1] {
	case '[':
		// DSR, DA, DECREQTPARM, DECRQM ("$p"), XTVERSION (">q"), window
		// reports, the kitty keyboard's "?u".
		return final == 'n' || final == 'c' || final == 'x' || final == 't' ||
			final == 'p' && bytes.HasSuffix(seq, []byte("$p")) ||
			final == 'q' && seq[2] == '>' || final == 'u' && seq[2] == '?'
	case ']':
		return bytes.Contains(seq, []byte(";?"))
	case 'P':
		return bytes.HasPrefix(seq[2:], []byte("+q")) || bytes.HasPrefix(seq[2:], []byte("$q"))
	}
	return false
}

// modes follows which terminal modes a program has switched on.
type modes struct {
	scanner scanner
	// private holds DEC private modes that differ from a fresh terminal's.
	private map[string]bool
	keypad  bool // DECKPAM
}

// on are the private modes that a fresh terminal has switched on.
var on = map[string]bool{"7": true, "25": true}

// tracked are those that matter to who attaches later: application cursor
// keys, wrapping, cursor, mouse, focus, alternate screens, bracketed paste.
var tracked = []string{"1", "7", "25", "47", "1000", "1002", "1003", "1004", "1006", "1047", "1049", "2004"}

func (m *modes) write(p []byte) { m.scanner.scan(p, m.take) }

func (m *modes) take(seq []byte) {
	if len(seq) < 2 || seq[0] != esc {
		return
	}
	final := seq[len(seq)-1]
	switch {
	case string(seq) == "\x1bc": // RIS
		m.private, m.keypad = nil, false
	case string(seq) == "\x1b=" || string(seq) == "\x1b>":
		m.keypad = seq[1] == '='
	case len(seq) > 3 && seq[1] == '[' && seq[2] == '?' && (final == 'h' || final == 'l'):
		for mode := range strings.SplitSeq(string(seq[3:len(seq)-1]), ";") {
			m.set(mode, final == 'h')
		}
	}
}

func (m *modes) set(mode string, value bool) {
	if !slices.Contains(tracked, mode) {
		return
	}
	if m.private == nil {
		m.private = map[string]bool{}
	}
	if value == on[mode] {
		delete(m.private, mode)
	} else {
		m.private[mode] = value
	}
}

// alternate says whether a full-screen program has the screen.
func (m *modes) alternate() bool {
	return m.private["47"] || m.private["1047"] || m.private["1049"]
}

// restore returns what brings a fresh terminal into these modes.
func (m *modes) restore() []byte {
	var b bytes.Buffer
	for _, mode := range slices.Sorted(maps.Keys(m.private)) {
		final := 'l'
		if m.private[mode] {
			final = 'h'
		}
		fmt.Fprintf(&b, "\x1b[?%s%c", mode, final)
	}
	if m.keypad {
		b.WriteString("\x1b=")
	}
	return b.Bytes()
}

func (m *modes) clone() *modes {
	return &modes{scanner: scanner{bytes.Clone(m.scanner.held)}, private: maps.Clone(m.private), keypad: m.keypad}
}
