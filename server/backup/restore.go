package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/labmark/labmark/server/store"
)

// Restore makes an installation of a backup: database, which must be empty, as
// store.Open takes it, and the folder dir. The whole file is read and
// its checksums are compared before anything is touched. What fails leaves the
// database empty.
func Restore(ctx context.Context, file io.ReadSeeker, database, dir string) (Manifest, error) {
	m, files, err := verify(file)
	if err != nil {
		return m, err
	}
	for name, content := range files {
		there, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && !bytes.Equal(there, content) {
			return m, fmt.Errorf("%s is there already, and is another one than the backup's: move it away", filepath.Join(dir, name))
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return m, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return m, err
	}
	err = store.Restore(ctx, database, m.Database, func(insert func(string, []byte) error) error {
		return each(file, func(name string, content []byte) error {
			table, ok := tableOf(name)
			if !ok {
				return nil
			}
			for line := range bytes.Lines(content) {
				if err := insert(table, line); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return m, err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return m, err
		}
	}
	return m, nil
}

// verify reads all of a backup, and returns what it says of itself, and files.
func verify(file io.Reader) (m Manifest, files map[string][]byte, err error) {
	sums, rows, last := map[string]string{}, map[string]int{}, ""
	files = map[string][]byte{}
	err = each(file, func(name string, content []byte) error {
		if last = name; name == manifestName {
			return json.Unmarshal(content, &m)
		}
		sums[name] = sum(content)
		if table, ok := tableOf(name); ok {
			rows[table] += bytes.Count(content, []byte{'\n'})
		} else if base, ok := strings.CutPrefix(name, "files/"); ok && filepath.IsLocal(base) && !strings.Contains(base, "/") && keeps(base) {
			files[base] = content
		} else {
			return fmt.Errorf("it holds %q, which no backup does", name)
		}
		return nil
	})
	switch {
	case err != nil:
		return m, nil, fmt.Errorf("the backup can't be read: %w", err)
	case last != manifestName:
		return m, nil, errors.New("the backup has no end: it was not finished, or was cut off")
	case m.Format != format:
		return m, nil, fmt.Errorf("the backup has the form %d, and this labmark knows %d", m.Format, format)
	case len(sums) != len(m.Sums):
		return m, nil, fmt.Errorf("the backup has %d parts of %d", len(sums), len(m.Sums))
	}
	for name, want := range m.Sums {
		if sums[name] != want {
			return m, nil, fmt.Errorf("the backup is damaged: %s has not the checksum that it should", name)
		}
	}
	for _, t := range m.Database.Tables {
		if rows[t.Name] != t.Rows {
			return m, nil, fmt.Errorf("the backup is damaged: %d rows of %d in %s", rows[t.Name], t.Rows, t.Name)
		}
	}
	return m, files, nil
}

func tableOf(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, "tables/")
	table, _, part := strings.Cut(rest, "/")
	return table, ok && part
}

func each(file io.Reader, f func(name string, content []byte) error) error {
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	for entries := tar.NewReader(unpacked); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			_, err := io.Copy(io.Discard, unpacked) // the checksum of all stands at the end
			return err
		}
		if err != nil {
			return err
		}
		content, err := io.ReadAll(entries)
		if err != nil {
			return err
		}
		if err := f(h.Name, content); err != nil {
			return err
		}
	}
}
