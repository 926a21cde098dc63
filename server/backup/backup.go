// Package backup keeps a whole installation in one file, from which it can be
// made again on either kind of database: a gzipped tar of tables as lines of
// JSON, the small files of the data folder, and, at its end, what was kept and
// its checksums.
package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/labmark/labmark/server/store"
)

const (
	format = 1 // of the file
	// A chunk is held in memory; a single row may be larger.
	chunk = 4 << 20
	// Files beyond are none of the gateway's keys.
	largestFile = 1 << 20
)

// Manifest says what a backup holds.
type Manifest struct {
	Format   int        `json:"format"`
	At       time.Time  `json:"at"` // when it was begun
	By       string     `json:"by"` // which labmark
	Database store.Dump `json:"database"`
	// Sums are SHA-256 in hexadecimal of all other entries, by name.
	Sums map[string]string `json:"sums"`
}

const manifestName = "manifest.json"

// Write writes a backup of the database and of the data folder dir to w. The
// database is kept as it is at one moment soon after the call; nobody is held
// up by that.
func Write(ctx context.Context, db *store.Store, dir, by string, w io.Writer) (Manifest, error) {
	packed := gzip.NewWriter(w)
	a := &archive{tar: tar.NewWriter(packed)}
	a.Manifest = Manifest{Format: format, At: time.Now().UTC(), By: by, Sums: map[string]string{}}
	var err error
	if a.Database, err = db.Dump(ctx, a.row); err != nil {
		return a.Manifest, err
	}
	if err := a.flush(); err != nil {
		return a.Manifest, err
	}
	if err := a.files(dir); err != nil {
		return a.Manifest, err
	}
	text, err := json.MarshalIndent(a.Manifest, "", "\t")
	if err != nil {
		return a.Manifest, err
	}
	return a.Manifest, errors.Join(a.entry(manifestName, text), a.tar.Close(), packed.Close())
}

type archive struct {
	Manifest
	tar   *tar.Writer
	table string
	rows  bytes.Buffer
	parts int // of the table
}

func (a *archive) row(table string, object []byte) error {
	if table != a.table || a.rows.Len() > chunk {
		if err := a.flush(); err != nil {
			return err
		}
	}
	if table != a.table {
		a.table, a.parts = table, 0
	}
	a.rows.Write(object)
	a.rows.WriteByte('\n')
	return nil
}

func (a *archive) flush() error {
	if a.rows.Len() == 0 {
		return nil
	}
	a.parts++
	defer a.rows.Reset()
	return a.add(fmt.Sprintf("tables/%s/%06d.jsonl", a.table, a.parts), a.rows.Bytes())
}

func (a *archive) add(name string, content []byte) error {
	a.Sums[name] = sum(content)
	return a.entry(name, content)
}

func (a *archive) entry(name string, content []byte) error {
	err := a.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content)), ModTime: a.At})
	if err != nil {
		return err
	}
	_, err = a.tar.Write(content)
	return err
}

func sum(content []byte) string {
	s := sha256.Sum256(content)
	return hex.EncodeToString(s[:])
}

// files adds those that lie in the data folder itself, as keys do: not the
// database, and not what belongs to guests.
func (a *archive) files(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > largestFile || !keeps(e.Name()) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		if err := a.add("files/"+e.Name(), content); err != nil {
			return err
		}
	}
	return nil
}

func keeps(name string) bool {
	return name != "lock" && !strings.HasPrefix(name, ".") && !strings.Contains(name, ".db")
}
