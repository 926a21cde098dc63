// Package freight carries files into guests and out of them, for pages. It
// speaks SFTP to the guest's agent, whose child has the student's rights. What
// comes out of a guest is not believed: neither how much it is nor how it is
// called.
package freight

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Limits of one visit.
const (
	// MaxBytes bounds a file, and all files of a folder, either way.
	MaxBytes = 100 << 20
	// maxEntries bounds what is shown of a folder, and what goes into an archive.
	maxEntries = 5000
	// spare is room for what SFTP says beside the files' bytes.
	spare = 16 << 20
)

// Errors for whoever asked.
var (
	ErrTooLarge = errors.New("it is larger than 100 MB")
	ErrNoFile   = errors.New("it is neither a file nor a folder")
)

// Entry is one name in a folder.
type Entry struct {
	Name     string
	Folder   bool
	Fetch    bool  // a file or folder, which can be downloaded
	Size     int64 // bytes; of files
	Modified time.Time
}

// Dock is a visit to one guest's files. Close it; its context ends it too.
type Dock struct {
	client  *sftp.Client
	session *ssh.Session
	stop    func() bool
}

// Open begins a visit over a connection that is logged in as whose rights hold.
func Open(ctx context.Context, c *ssh.Client) (*Dock, error) {
	s, err := c.NewSession()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	fail := func(err error) (*Dock, error) {
		stop()
		s.Close()
		return nil, fmt.Errorf("files of a guest: %w", err)
	}
	in, err := s.StdinPipe()
	if err != nil {
		return fail(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		return fail(err)
	}
	if err := s.RequestSubsystem("sftp"); err != nil {
		return fail(err)
	}
	// A guest that talks without end must not fill the gateway's memory.
	client, err := sftp.NewClientPipe(io.LimitReader(out, MaxBytes+spare), in)
	if err != nil {
		return fail(err)
	}
	return &Dock{client, s, stop}, nil
}

// Close ends the visit.
func (d *Dock) Close() {
	d.stop()
	d.session.Close()
	d.client.Close()
}

// Place makes a whole path of what was asked for; relative ones begin at home.
func (d *Dock) Place(asked string) (string, error) {
	if path.IsAbs(asked) {
		return path.Clean(asked), nil
	}
	home, err := d.client.Getwd()
	if err != nil {
		return "", err
	}
	return path.Join("/", home, asked), nil
}

// Look tells what is at a path: a file's size, or folder is true.
func (d *Dock) Look(at string) (folder bool, size int64, err error) {
	info, err := d.client.Stat(at)
	switch {
	case err != nil:
		return false, 0, err
	case info.IsDir():
		return true, 0, nil
	case !info.Mode().IsRegular():
		return false, 0, ErrNoFile
	case info.Size() > MaxBytes:
		return false, 0, ErrTooLarge
	}
	return false, info.Size(), nil
}

// List returns a folder's entries, folders first, and whether some are left out.
func (d *Dock) List(ctx context.Context, at string) (entries []Entry, cut bool, err error) {
	infos, err := d.client.ReadDirContext(ctx, at)
	if err != nil {
		return nil, false, err
	}
	for _, i := range infos {
		if !plain(i.Name()) {
			continue
		}
		if i.Mode()&fs.ModeSymlink != 0 && len(infos) < maxEntries/10 {
			if to, err := d.client.Stat(path.Join(at, i.Name())); err == nil {
				i = renamed{to, i.Name()}
			}
		}
		entries = append(entries, Entry{Name: i.Name(), Folder: i.IsDir(), Fetch: i.IsDir() || i.Mode().IsRegular(), Size: i.Size(), Modified: i.ModTime()})
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		if a.Folder != b.Folder {
			if a.Folder {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	if cut = len(entries) > maxEntries; cut {
		entries = entries[:maxEntries]
	}
	return entries, cut, nil
}

// renamed is what a link leads to, by the link's name.
type renamed struct {
	fs.FileInfo
	name string
}

// Name is the link's.
func (r renamed) Name() string { return r.name }

// plain says whether a name is one that a file can have.
func plain(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}

// Fetch copies a file.
func (d *Dock) Fetch(w io.Writer, at string) error {
	f, err := d.client.Open(at)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, io.LimitReader(f, MaxBytes))
	return err
}

// Put writes a file of that name into a folder, in place of one that is there.
// ErrTooLarge where r has more than MaxBytes; then nothing is left of it.
func (d *Dock) Put(folder, name string, r io.Reader) error {
	if name = path.Base(strings.ReplaceAll(name, `\`, "/")); !plain(name) {
		return fs.ErrInvalid
	}
	// It takes its name when it is whole.
	part := path.Join(folder, "."+name+".part")
	f, err := d.client.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	n, err := f.ReadFrom(io.LimitReader(r, MaxBytes+1))
	if err == nil && n > MaxBytes {
		err = ErrTooLarge
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = d.client.PosixRename(part, path.Join(folder, name))
	}
	if err != nil {
		_ = d.client.Remove(part)
	}
	return err
}

// found is one thing that goes into an archive.
type found struct {
	name string // below the folder
	info fs.FileInfo
}

// Folder is one whose files fit into an archive.
type Folder struct {
	d     *Dock
	at    string
	files []found
}

// Folder looks through a folder, without following links. ErrTooLarge where it
// is too much.
func (d *Dock) Folder(ctx context.Context, at string) (Folder, error) {
	f := Folder{d: d, at: at}
	total, todo := int64(0), []string{""}
	for len(todo) > 0 {
		below := todo[0]
		todo = todo[1:]
		infos, err := d.client.ReadDirContext(ctx, path.Join(at, below))
		if err != nil && below == "" {
			return f, err
		}
		for _, i := range infos {
			if !plain(i.Name()) || !i.IsDir() && !i.Mode().IsRegular() {
				continue
			}
			name := path.Join(below, i.Name())
			if i.IsDir() {
				todo = append(todo, name)
			} else {
				total += i.Size()
			}
			f.files = append(f.files, found{name, i})
			if len(f.files) > maxEntries || total > MaxBytes || total < 0 {
				return f, ErrTooLarge
			}
		}
	}
	return f, nil
}

// Pack writes a gzipped tar of it. Files that can't be read are left out; what
// shrinks or grows meanwhile is filled up or cut.
func (f Folder) Pack(w io.Writer) error {
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	top := path.Base(f.at)
	if top == "/" {
		top = "files"
	}
	for _, e := range f.files {
		h := &tar.Header{Name: path.Join(top, e.name), Mode: int64(e.info.Mode().Perm()), ModTime: e.info.ModTime()}
		if e.info.IsDir() {
			h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
			if err := t.WriteHeader(h); err != nil {
				return err
			}
			continue
		}
		src, err := f.d.client.Open(path.Join(f.at, e.name))
		if err != nil {
			continue
		}
		h.Typeflag, h.Size = tar.TypeReg, e.info.Size()
		err = t.WriteHeader(h)
		if err == nil {
			_, err = io.CopyN(t, io.MultiReader(src, zeros{}), h.Size)
		}
		src.Close()
		if err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
