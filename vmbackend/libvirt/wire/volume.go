package wire

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/digitalocean/go-libvirt"
)

// Upload writes length bytes of r to a volume, from offset on. It ends with
// ctx; then, or after any error, the volume holds anything.
func (c *Conn) Upload(ctx context.Context, vol libvirt.StorageVol, offset, length uint64, r io.Reader) error {
	s, stop, err := c.volume(ctx, procVolUpload, vol, offset, length)
	if err != nil {
		return fmt.Errorf("upload to the volume %s: %w", vol.Name, err)
	}
	defer stop()
	// libvirtd may refuse in the middle, when the disk is full.
	answer := make(chan error, 1)
	go func() {
		_, err := s.receiveStream()
		if !errors.Is(err, io.EOF) {
			_ = s.conn.Close() // the writer must not go on
		}
		answer <- err
	}()
	read, err := s.sendAll(r, length)
	if err != nil {
		_ = s.conn.Close()
	}
	said := <-answer
	switch {
	case !read && err != nil:
		return fmt.Errorf("upload to the volume %s: reading what to upload: %w", vol.Name, err)
	case errors.Is(said, io.EOF) && err == nil:
		return nil
	}
	return fmt.Errorf("upload to the volume %s: %w", vol.Name, c.after(ctx, said))
}

// sendAll sends length bytes of r and the stream's end. It tells whether all
// could be read.
func (r *rpc) sendAll(from io.Reader, length uint64) (read bool, err error) {
	buffer := make([]byte, maxData)
	for left := length; left > 0; {
		n := min(left, maxData)
		if _, err := io.ReadFull(from, buffer[:n]); err != nil {
			return false, err
		}
		if err := r.send(typeStream, statusContinue, buffer[:n]); err != nil {
			return true, err
		}
		left -= n
	}
	return true, r.send(typeStream, statusOK, nil)
}

// Download writes length bytes of a volume, from offset on, to w; 0 means all
// that there is. It ends with ctx.
func (c *Conn) Download(ctx context.Context, vol libvirt.StorageVol, offset, length uint64, w io.Writer) error {
	s, stop, err := c.volume(ctx, procVolDownload, vol, offset, length)
	if err != nil {
		return fmt.Errorf("download of the volume %s: %w", vol.Name, err)
	}
	defer stop()
	for done := uint64(0); ; {
		data, err := s.receiveStream()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if done += uint64(len(data)); err == nil && length > 0 && done > length {
			err = fmt.Errorf("%w: more than the %d bytes that were asked for", errPacket, length)
		}
		if err != nil {
			return fmt.Errorf("download of the volume %s: %w", vol.Name, c.after(ctx, err))
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
}

// volume opens a stream with a volume, which ends with ctx or stop.
func (c *Conn) volume(ctx context.Context, procedure uint32, vol libvirt.StorageVol, offset, length uint64) (*rpc, func(), error) {
	var args xdr
	args.text(vol.Pool)
	args.text(vol.Name)
	args.text(vol.Key)
	args.long(offset)
	args.long(length)
	args.number(0)
	s, err := c.stream(ctx, procedure, args)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	return s, func() {
		stop()
		_ = s.conn.Close()
	}, nil
}

// after prefers the context's end to what it led to.
func (c *Conn) after(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return c.brokeUnlessRefused(err)
}
