package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// QCOW2 is the format of an image that boots itself.
const QCOW2 = "qcow2"

// Image is one built image in a store.
type Image struct {
	// Name is the recipe's name. Several images may bear it: the one built
	// last is what the name means, the others still have guests.
	Name string `json:"name"`
	// Digest names the image by its content: "sha256:" and 64 hex digits.
	Digest string `json:"digest"`
	// Recipe is the Recipe.Digest that it was built from; empty if imported.
	Recipe string    `json:"recipe"`
	Built  time.Time `json:"built"`
	// Size is the size of the guest's disk in bytes.
	Size int64 `json:"size"`
	// Occupied is what the image takes on the host, in bytes, when built.
	Occupied int64 `json:"occupied"`
	// Arch is the guest's processor, in Debian's word; empty means amd64.
	Arch string `json:"arch,omitempty"`
	// Format is empty for a raw ext4 file without partitions, which is started
	// with a kernel from outside; QCOW2 for a disk that boots itself.
	Format string `json:"format,omitempty"`
	// Kernel is the version of Debian's kernel whose modules the image holds;
	// empty if it holds none.
	Kernel string `json:"kernel,omitempty"`
	// Path is the disk's file. It must never be written to: every guest's
	// disk is a set of changes to it.
	Path string `json:"-"`
}

// Store is a folder of images, shared safely by any number of processes:
//
//	index.json          what names and digests there are
//	lock                held while index.json changes
//	build-NAME.lock     held while an image of that name is built
//	sha256-HEX.ext4     the images, read-only
//	sha256-HEX.qcow2    those that were imported
//	kernels/            Debian's kernels, see kernel
//	machines/           what QEMU starts images with, see Store.Machine
type Store struct{ dir string }

// DefaultDir is where images live unless the administrator says otherwise:
// labmark/images below $XDG_CACHE_HOME or ~/.cache.
func DefaultDir() string {
	cache, err := os.UserCacheDir()
	if err != nil { // no home: a daemon without one
		cache = "/var/cache"
	}
	return filepath.Join(cache, "labmark", "images")
}

// Open uses dir as a store and makes it when it is missing; empty means
// DefaultDir.
func Open(dir string) (*Store, error) {
	if dir == "" {
		dir = DefaultDir()
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder for images: %w", err)
	}
	return &Store{dir: dir}, nil
}

// Dir is the store's folder, as an absolute path.
func (s *Store) Dir() string { return s.dir }

// List returns all images, by name and newest first.
func (s *Store) List() ([]Image, error) {
	images, err := s.read()
	slices.SortStableFunc(images, func(a, b Image) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return b.Built.Compare(a.Built)
	})
	return images, err
}

// Resolve finds what a name means now: the image of that name that was built
// last. A digest resolves to itself. The error wraps vmbackend.ErrNoImage.
func (s *Store) Resolve(name string) (Image, error) {
	if digestForm.MatchString(name) {
		return s.ByDigest(name)
	}
	return s.find(name, func(i Image) bool { return i.Name == name })
}

// ByDigest finds an image by its content. The error wraps
// vmbackend.ErrNoImage.
func (s *Store) ByDigest(digest string) (Image, error) {
	return s.find(digest, func(i Image) bool { return i.Digest == digest })
}

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func (s *Store) find(what string, match func(Image) bool) (Image, error) {
	images, err := s.List()
	if err != nil {
		return Image{}, err
	}
	for _, i := range images {
		if !match(i) {
			continue
		}
		if _, err := os.Stat(i.Path); err == nil {
			return i, nil
		}
	}
	return Image{}, s.missing(what)
}

// missing says what to do about an image that is not there.
func (s *Store) missing(what string) error {
	mend := "build it again with: labmark image build NAME"
	if !strings.HasPrefix(what, "sha256:") {
		mend = "build it with: labmark image build " + what
	}
	return fmt.Errorf("%s in %s: %w; %s", what, s.dir, vmbackend.ErrNoImage, mend)
}

// Remove deletes an image by digest, or all images of a name. The caller
// makes sure that no guest uses them. Removing what is not there is an error
// that wraps vmbackend.ErrNoImage.
func (s *Store) Remove(nameOrDigest string) error {
	removed, err := s.drop(func(i Image, _ bool) bool {
		return i.Digest == nameOrDigest || i.Name == nameOrDigest
	})
	if err == nil && len(removed) == 0 {
		return s.missing(nameOrDigest)
	}
	return err
}

// Prune deletes the images that no name means any more and that inUse does
// not claim, and returns them.
func (s *Store) Prune(inUse func(digest string) bool) ([]Image, error) {
	return s.drop(func(i Image, current bool) bool { return !current && !inUse(i.Digest) })
}

// drop removes images from the index, then their files unless another name
// still stands for the same content.
func (s *Store) drop(which func(i Image, current bool) bool) ([]Image, error) {
	var dropped []Image
	err := s.change(func(images []Image) []Image {
		newest := map[string]time.Time{}
		for _, i := range images {
			if i.Built.After(newest[i.Name]) {
				newest[i.Name] = i.Built
			}
		}
		return slices.DeleteFunc(images, func(i Image) bool {
			gone := which(i, i.Built.Equal(newest[i.Name]))
			if gone {
				dropped = append(dropped, i)
			}
			return gone
		})
	}, func(left []Image) error {
		for _, i := range dropped {
			if slices.ContainsFunc(left, func(l Image) bool { return l.Digest == i.Digest }) {
				continue
			}
			for _, path := range []string{i.Path, s.compactPath(i), s.compactPath(i) + ".json"} {
				if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
		}
		return nil
	})
	return dropped, err
}

// add moves a finished file into the store and makes its name mean it.
func (s *Store) add(i Image, finished string) (Image, error) {
	i.Path = s.path(i)
	err := s.change(func(images []Image) []Image {
		images = slices.DeleteFunc(images, func(o Image) bool { return o.Name == i.Name && o.Digest == i.Digest })
		return append(images, i)
	}, nil, func() error {
		if _, err := os.Stat(i.Path); err == nil {
			return os.Remove(finished) // the same content: its guests keep theirs
		}
		return os.Rename(finished, i.Path)
	})
	return i, err
}

func (s *Store) path(i Image) string {
	suffix := ".ext4"
	if i.Format == QCOW2 {
		suffix = ".qcow2"
	}
	return filepath.Join(s.dir, strings.Replace(i.Digest, ":", "-", 1)+suffix)
}
