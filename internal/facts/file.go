package facts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// maxText is how much of a file's text is looked at, in bytes, and maxHashed
// how much is hashed.
const (
	maxText   = 1 << 20
	maxHashed = 64 << 20
)

var fileTypes = []string{"file", "directory", "symlink", "fifo", "socket", "block", "character"}

func typeOf(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "file"
	case m.IsDir():
		return "directory"
	case m&fs.ModeSymlink != 0:
		return "symlink"
	case m&fs.ModeNamedPipe != 0:
		return "fifo"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeCharDevice != 0:
		return "character"
	}
	return "block"
}

// file sees a file: its type and target as it stands there, all else of what
// it leads to.
func (m *Machine) file(ctx context.Context, f Fact) (seen, error) {
	path := m.path(f.Subject)
	entry, err := os.Lstat(path)
	if err != nil {
		return seen{fields: map[string][]string{"exists": {"false"}}, missing: why(err)}, nil
	}
	s := seen{fields: map[string][]string{"exists": {"true"}, "type": {typeOf(entry.Mode())}}, missing: "a " + typeOf(entry.Mode())}
	if entry.Mode()&fs.ModeSymlink != 0 {
		if target, err := os.Readlink(path); err == nil {
			s.fields["target"] = []string{target}
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		s.missing = "a link that leads nowhere"
		if errors.Is(err, syscall.ELOOP) {
			s.missing = "links that lead in a circle"
		}
		return s, nil
	}
	m.attributes(s, info)
	if f.wants("contains", "matches", "equals", "sha256") {
		if info.Mode().IsRegular() {
			return s, s.read(ctx, path, f.wants("sha256"))
		}
		s.missing = "a " + typeOf(info.Mode())
	}
	return s, nil
}

func (m *Machine) attributes(s seen, info fs.FileInfo) {
	s.fields["mode"] = []string{fmt.Sprintf("%04o", unixMode(info.Mode()))}
	s.fields["size"] = []string{strconv.FormatInt(info.Size(), 10)}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.fields["owner"] = []string{m.ownerName(sys.Uid)}
		s.fields["group"] = []string{m.groupName(sys.Gid)}
	}
}

// read takes in the text, or the digest, of a regular file.
func (s *seen) read(ctx context.Context, path string, hash bool) error {
	file, err := openRegular(path)
	if err != nil {
		s.missing = why(err)
		return nil
	}
	defer func() { _ = file.Close() }()
	if hash {
		sum := sha256.New()
		n, err := io.Copy(sum, io.LimitReader(patient{ctx, file}, maxHashed+1))
		if err != nil {
			return fmt.Errorf("reading it failed: %w", err)
		}
		if n > maxHashed {
			s.missing = fmt.Sprintf("a file of more than %d MB", maxHashed>>20)
			return nil
		}
		s.fields["sha256"] = []string{hex.EncodeToString(sum.Sum(nil))}
		if err := file.rewind(); err != nil {
			return err
		}
	}
	text, cut, err := readBounded(ctx, file)
	if err != nil {
		return fmt.Errorf("reading it failed: %w", err)
	}
	if cut {
		s.note = fmt.Sprintf(" (only its first %d KB were looked at)", maxText>>10)
	}
	for _, field := range []string{"contains", "matches", "equals"} {
		s.fields[field] = []string{text}
	}
	return nil
}

// regular is a regular file, open for reading. Unlike os.File it never waits:
// some files of the kernel's look regular, and have nothing to say for hours.
type regular struct{ fd int }

// openRegular opens a file without ever waiting, and refuses what is no
// regular file: opening a pipe or a device may wait, or do something.
func openRegular(path string) (*regular, error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	var info syscall.Stat_t
	if err := syscall.Fstat(fd, &info); err != nil || info.Mode&syscall.S_IFMT != syscall.S_IFREG {
		_ = syscall.Close(fd)
		return nil, errors.New("no regular file")
	}
	return &regular{fd}, nil
}

func (r *regular) Read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(r.fd, p)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

func (r *regular) Close() error { return syscall.Close(r.fd) }

func (r *regular) rewind() error {
	_, err := syscall.Seek(r.fd, 0, io.SeekStart)
	return err
}

func readBounded(ctx context.Context, r io.Reader) (text string, cut bool, err error) {
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(patient{ctx, r}, maxText+1))
	if n > maxText {
		return b.String()[:maxText], true, nil
	}
	return b.String(), false, err
}

// readSmall reads a file of the system's, whatever it has become.
func (m *Machine) readSmall(path string) (string, error) {
	file, err := openRegular(m.path(path))
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	text, _, err := readBounded(context.Background(), file)
	return text, err
}

// patient reads until a context ends.
type patient struct {
	ctx context.Context
	r   io.Reader
}

func (p patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}

// lines calls f with the fields of each line, split at colons.
func lines(text string, f func(fields []string)) {
	for line := range strings.Lines(text) {
		f(strings.Split(strings.TrimSuffix(line, "\n"), ":"))
	}
}
