package wire

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/digitalocean/go-libvirt"
)

// go-libvirt's streams run one way only and can't be stopped. So what has a
// stream speaks libvirt's protocol itself, on a connection of its own (headers
// as in frame.go; procedures from src/remote/remote_protocol.x).

const (
	remoteProgram = 0x20008086

	procConnectOpen   = 1
	procAuthList      = 66
	procAuthPolkit    = 70
	procVolUpload     = 208
	procVolDownload   = 209
	procDomainChannel = 296

	authPolkit = 2
)

const (
	typeCall   = 0
	typeReply  = 1
	typeStream = 3

	statusOK       = 0
	statusError    = 1
	statusContinue = 2
)

// maxAnswer bounds what is kept of a node's words in one go, in bytes: there may
// be such a connection for each guest. libvirtd sends streams in pieces of less
// than 256 KiB, and answers nothing long here.
const maxAnswer = 1 << 20

// packet is one message, without its length.
type packet struct {
	program, procedure, kind, serial, status uint32
	payload                                  []byte
}

// rpc is a connection to libvirtd for one call after another, then for one
// stream.
type rpc struct {
	conn   *framed
	serial uint32
	// what opened the stream; its packets carry the same procedure and serial
	procedure uint32
}

// dialRPC connects and opens libvirtd's driver. The connection ends with over.
func dialRPC(ctx, over context.Context, w way, t target) (*rpc, error) {
	raw, err := w.libvirt(ctx)
	if err != nil {
		return nil, err
	}
	r := &rpc{conn: newFramed(raw)}
	stop := context.AfterFunc(ctx, func() { _ = r.conn.Close() })
	err = r.open(t)
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		_ = r.conn.Close()
		return nil, fmt.Errorf("libvirtd does not open %s: %w", t.open(), err)
	}
	go r.conn.watch(over, raw)
	return r, nil
}

func (r *rpc) open(t target) error {
	kinds, err := r.call(procAuthList, nil)
	if err != nil {
		return err
	}
	if len(kinds) >= 8 && binary.BigEndian.Uint32(kinds[4:]) == authPolkit {
		if _, err := r.call(procAuthPolkit, nil); err != nil {
			return err
		}
	}
	var args xdr
	args.number(1) // the name is there
	args.text(t.open())
	args.number(0)
	_, err = r.call(procConnectOpen, args)
	return err
}

// call asks for a procedure and returns what it answers.
func (r *rpc) call(procedure uint32, args []byte) ([]byte, error) {
	r.serial++
	r.procedure = procedure
	if err := r.send(typeCall, statusOK, args); err != nil {
		return nil, err
	}
	for {
		p, err := r.receive()
		switch {
		case err != nil:
			return nil, err
		case p.kind != typeReply || p.serial != r.serial:
			continue
		case p.status == statusError:
			return nil, refusal(p.payload)
		}
		return p.payload, nil
	}
}

func (r *rpc) send(kind, status uint32, payload []byte) error {
	p := make([]byte, headerSize, headerSize+len(payload))
	for i, word := range []uint32{uint32(headerSize + len(payload)), remoteProgram, 1, r.procedure, kind, r.serial, status} {
		binary.BigEndian.PutUint32(p[4*i:], word)
	}
	_, err := r.conn.Write(append(p, payload...))
	return err
}

func (r *rpc) receive() (packet, error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(r.conn, head[:]); err != nil {
		return packet{}, err
	}
	word := func(i int) uint32 { return binary.BigEndian.Uint32(head[4*i:]) }
	size := word(0)
	if size < headerSize || size > maxAnswer {
		return packet{}, errPacket
	}
	p := packet{program: word(1), procedure: word(3), kind: word(4), serial: word(5), status: word(6)}
	p.payload = make([]byte, size-headerSize)
	_, err := io.ReadFull(r.conn, p.payload)
	return p, err
}

// receiveStream returns the next data of the stream, io.EOF at its end.
func (r *rpc) receiveStream() ([]byte, error) {
	for {
		p, err := r.receive()
		switch {
		case err != nil:
			return nil, err
		case p.program != remoteProgram || p.kind != typeStream || p.serial != r.serial:
			continue
		case p.status == statusError:
			return nil, refusal(p.payload)
		case p.status == statusOK || len(p.payload) == 0:
			return nil, io.EOF
		}
		return p.payload, nil
	}
}

// refusal reads libvirt's error: two numbers, then the text, which may be absent.
func refusal(payload []byte) error {
	e := libvirt.Error{Message: "libvirtd refuses without a reason"}
	if len(payload) >= 16 {
		e.Code = binary.BigEndian.Uint32(payload)
		present, size := binary.BigEndian.Uint32(payload[8:]), binary.BigEndian.Uint32(payload[12:])
		if present == 1 && uint64(size) <= uint64(len(payload)-16) {
			e.Message = string(payload[16 : 16+size])
		}
	}
	return e
}

// xdr is arguments in the form of RFC 4506.
type xdr []byte

func (x *xdr) number(n uint32) { *x = binary.BigEndian.AppendUint32(*x, n) }
func (x *xdr) long(n uint64)   { *x = binary.BigEndian.AppendUint64(*x, n) }

func (x *xdr) text(s string) {
	x.number(uint32(len(s)))
	*x = append(*x, s...)
	*x = append(*x, make([]byte, -len(s)&3)...)
}
