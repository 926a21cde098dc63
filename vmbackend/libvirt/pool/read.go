package pool

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// libvirt 9's downloads sometimes hang and sometimes end too early (2 of 100
// here, with files of any length; uploads never did). So the node's shell reads
// where there is one, and else small pieces are asked for again and again.

const (
	// pieceSize is what is downloaded at once, in bytes.
	pieceSize = 1 << 20
	// piecePatience is how long that may take, tries how often it may fail.
	piecePatience = 10 * time.Second
	tries         = 6
)

// Part reads length bytes of a file.
func (p *Pool) Part(ctx context.Context, file string, offset, length int64) ([]byte, error) {
	if length == 0 {
		return nil, nil
	}
	content, err := p.conn.Command(ctx, nil, `dd if="$1" bs=64k iflag=skip_bytes,count_bytes skip="$2" count="$3" status=none`,
		p.Path(file), strconv.FormatInt(offset, 10), strconv.FormatInt(length, 10))
	if err == nil && int64(len(content)) == length {
		return content, nil
	}
	var whole bytes.Buffer
	for done := int64(0); done < length; done += pieceSize {
		piece, err := p.piece(ctx, file, offset+done, min(pieceSize, length-done))
		if err != nil {
			return nil, err
		}
		whole.Write(piece)
	}
	return whole.Bytes(), nil
}

func (p *Pool) piece(ctx context.Context, file string, offset, length int64) ([]byte, error) {
	if _, err := p.Ensure(ctx); err != nil {
		return nil, err
	}
	var err error
	for range tries {
		var content bytes.Buffer
		attempt, cancel := context.WithTimeout(ctx, piecePatience)
		err = p.conn.Download(attempt, p.volume(file), uint64(offset), uint64(length), &content)
		cancel()
		switch {
		case err == nil && int64(content.Len()) == length:
			return content.Bytes(), nil
		case err == nil:
			err = fmt.Errorf("read %s: %d of %d bytes came", file, content.Len(), length)
		case ctx.Err() != nil || errors.Is(err, vmbackend.ErrUnreachable):
			return nil, err
		}
	}
	return nil, err
}

// Sum is the SHA-256 of a file, in hex, reckoned on the node if possible.
func (p *Pool) Sum(ctx context.Context, file string) (string, error) {
	out, err := p.conn.Command(ctx, nil, `sha256sum <"$1"`, p.Path(file))
	if sum, _, ok := strings.Cut(string(out), " "); err == nil && ok {
		return sum, nil
	}
	length, _, err := p.Size(ctx, file)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for done := int64(0); done < length; done += pieceSize {
		piece, err := p.piece(ctx, file, done, min(pieceSize, length-done))
		if err != nil {
			return "", err
		}
		h.Write(piece)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
