package agent

import "bytes"

// scrollback is how much output a terminal keeps, in bytes.
const scrollback = 256 << 10

// ring keeps the last bytes of a terminal's output. Offsets count from the
// terminal's first byte.
type ring struct {
	buf  []byte // up to scrollback bytes; the byte at offset o is buf[o%scrollback]
	head uint64 // offset after the last byte
	// before is the state of the terminal's modes at the oldest byte kept.
	before modes
}

// tail is the offset of the oldest byte kept.
func (r *ring) tail() uint64 { return r.head - uint64(len(r.buf)) }

func (r *ring) write(p []byte) {
	for len(p) > 0 {
		if len(r.buf) < scrollback {
			n := min(len(p), scrollback-len(r.buf))
			r.buf = append(r.buf, p[:n]...)
			r.head += uint64(n)
			p = p[n:]
			continue
		}
		at := r.head % scrollback
		n := min(uint64(len(p)), scrollback-at)
		r.before.write(r.buf[at : at+n])
		copy(r.buf[at:], p[:n])
		r.head += n
		p = p[n:]
	}
}

// read copies from offset on into p. ok is false if that is no longer kept.
func (r *ring) read(offset uint64, p []byte) (n int, ok bool) {
	if offset < r.tail() {
		return 0, false
	}
	for offset < r.head && n < len(p) {
		at := offset % scrollback
		end := min(uint64(len(r.buf)), at+(r.head-offset))
		c := copy(p[n:], r.buf[at:end])
		n += c
		offset += uint64(c)
	}
	return n, true
}

// searchLine is how far a replay looks for the start of a line.
const searchLine = 8 << 10

// replay returns what draws the kept output on any terminal: a reset, the
// modes at the start, and the output from a line's start on, without what
// would make the terminal answer. alternate says that a full-screen program
// has the screen and should draw itself anew.
func (r *ring) replay() (data []byte, alternate bool) {
	all := make([]byte, len(r.buf))
	_, _ = r.read(r.tail(), all)
	state := r.before.clone()
	if skip := saneStart(all, r.tail() > 0); skip > 0 {
		state.write(all[:skip])
		all = all[skip:]
	}
	state.scanner = scanner{} // what is cut off in the middle stays cut off
	data = append([]byte("\x1bc"), state.restore()...)
	var s scanner
	s.scan(all, func(piece []byte) {
		state.take(piece)
		if !isQuestion(piece) && !isBroken(piece) {
			data = append(data, piece...)
		}
	})
	return append(data, s.held...), state.alternate()
}

// saneStart returns where in p a terminal may start: after the first newline,
// or else not in the middle of a UTF-8 sequence.
func saneStart(p []byte, cut bool) int {
	if !cut {
		return 0
	}
	if i := bytes.IndexByte(p[:min(len(p), searchLine)], '\n'); i >= 0 {
		return i + 1
	}
	for i := range min(len(p), 4) {
		if p[i]&0xC0 != 0x80 {
			return i
		}
	}
	return 0
}
