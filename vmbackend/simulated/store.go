package simulated

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// record is what is kept of a guest, as JSON in Options.Dir/ID.json.
type record struct {
	Spec  vmbackend.Spec    `json:"spec"`
	State vmbackend.State   `json:"state"`
	Since time.Time         `json:"since"`
	Boots int               `json:"boots"`
	Files map[string]string `json:"files"`
}

func (b *Backend) file(id string) string { return filepath.Join(b.options.Dir, id+".json") }

// load reads all guests that a predecessor left.
func (b *Backend) load() error {
	names, err := filepath.Glob(b.file("*"))
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var r record
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("%s is damaged: %w", name, err)
		}
		if err := b.takeOver(r); err != nil {
			return fmt.Errorf("%s is damaged: %w", name, err)
		}
	}
	return nil
}

// save replaces a guest's file in one step.
func (b *Backend) save(id string, r record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	next := b.file(id) + ".new"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, b.file(id))
}

func (b *Backend) forget(id string) error {
	err := os.Remove(b.file(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
