package uml

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/uml/shim"
)

var _ vmbackend.Networker = (*Backend)(nil)

// networksOf is the folder that has a folder for each network of guests, with
// a socket of each guest's supervisor in it.
func networksOf(dir string) string { return filepath.Join(dir, "networks") }

// SetLink implements vmbackend.Networker.
func (b *Backend) SetLink(ctx context.Context, id, network string, l vmbackend.Link) error {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	if err := l.Check(); err != nil {
		return fmt.Errorf("guest %s: %w", id, err)
	}
	g, err := b.hold(ctx, id)
	if err != nil {
		return err
	}
	defer b.release(g)
	r, err := b.readRecord(id)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(r.Cards, func(c vmbackend.Card) bool { return c.Network == network })
	if i < 0 {
		return fmt.Errorf("guest %s has no card on network %q", id, network)
	}
	if r.Cards[i].Link != l {
		r.Cards[i].Link = l
		if err := b.writeRecord(r); err != nil {
			return fmt.Errorf("guest %s: %w", id, err)
		}
	}
	err = shim.SetLink(ctx, b.folder(id), network, l)
	if err != nil && !notRunning(err) {
		return fmt.Errorf("change the link of guest %s: %w", id, errors.Join(err, context.Cause(ctx)))
	}
	return nil
}

// writeRecord replaces what is stored of a guest in one step.
func (b *Backend) writeRecord(r record) error {
	content, err := json.Marshal(r)
	if err != nil {
		return err
	}
	path := filepath.Join(b.folder(r.ID), recordFile)
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// sweepNetworks removes what guests that are gone have left in networks.
func sweepNetworks(dir string) error {
	sockets, err := filepath.Glob(filepath.Join(networksOf(dir), "*", "*"))
	if err != nil {
		return err
	}
	for _, socket := range sockets {
		if _, err := os.Stat(folderOf(dir, filepath.Base(socket))); !errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err := os.Remove(socket); err != nil {
			return fmt.Errorf("remove what a crash left: %w", err)
		}
		_ = os.Remove(filepath.Dir(socket)) // unless others are there
	}
	return nil
}
