package wire

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"
)

// said is a connection on which everything has been said already.
type said struct {
	net.Conn
	*bytes.Reader
}

func (s said) Read(p []byte) (int, error)  { return s.Reader.Read(p) }
func (s said) Write(p []byte) (int, error) { return len(p), nil }
func (s said) Close() error                { return nil }

// FuzzAnswers is a node that says anything to calls of every form.
func FuzzAnswers(f *testing.F) {
	answer := func(procedure uint32, payload []byte) []byte {
		var p []byte
		for _, word := range []uint32{uint32(headerSize + len(payload)), remoteProgram, 1, procedure, typeReply, procedure, statusOK} {
			p = binary.BigEndian.AppendUint32(p, word)
		}
		return append(p, payload...)
	}
	f.Add(answer(157, make([]byte, 8)))
	f.Add(answer(273, bytes.Repeat([]byte{0xff}, 40)))
	f.Add(append(answer(10, nil), answer(4, make([]byte, 8))...))
	f.Fuzz(func(t *testing.T, bytesOfNode []byte) {
		a, b := net.Pipe()
		defer a.Close()
		defer b.Close()
		c := newChecked(newFramed(said{a, bytes.NewReader(bytesOfNode)}))
		for procedure := range forms {
			c.asked[procedure] = procedure
		}
		n, _ := io.Copy(io.Discard, c) // it ends in an error, and in no other way
		if n > int64(len(bytesOfNode)) {
			t.Errorf("%d bytes became %d", len(bytesOfNode), n)
		}
	})
}
