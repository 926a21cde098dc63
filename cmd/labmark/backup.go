package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/backup"
	"github.com/labmark/labmark/server/store"
)

type backupCmd struct {
	File string `arg:"" help:"File to write, which must not be there yet." placeholder:"FILE"`
}

func (c *backupCmd) Run(ctx context.Context, s *Settings, out io.Writer) (err error) {
	if _, err := os.Lstat(c.File); err == nil {
		return fmt.Errorf("there is %s already: name another file", c.File)
	}
	db, err := s.openStore()
	if err != nil {
		return err
	}
	defer db.Close()
	// A file of that name is a whole backup, or none.
	f, err := os.CreateTemp(filepath.Dir(c.File), ".labmark-backup-*") // for its owner alone
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removed(f.Name())) }()
	m, err := backup.Write(ctx, db, s.DataDir, version, f)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("back up to %s: %w", c.File, err)
	}
	if err := os.Rename(f.Name(), c.File); err != nil {
		return err
	}
	rows := 0
	for _, t := range m.Database.Tables {
		rows += t.Rows
	}
	fmt.Fprintf(out, "%s holds %d rows of %d tables. Keep it like a password: it has the installation's keys.\n", c.File, rows, len(m.Database.Tables))
	return nil
}

func removed(name string) error {
	if err := os.Remove(name); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

type restoreCmd struct {
	File string `arg:"" help:"Backup to restore, into a database that is empty." type:"existingfile" placeholder:"FILE"`
}

func (c *restoreCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	unlock, err := server.LockData(s.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	name := store.In(s.DataDir, s.Database)
	m, err := backup.Restore(ctx, f, name, s.DataDir)
	if errors.Is(err, store.ErrNotEmpty) {
		return fmt.Errorf("%s: %w: move it away, or name another by --database or --data-dir", store.Shown(name), err)
	}
	if err != nil {
		return fmt.Errorf("restore %s: %w", c.File, err)
	}
	fmt.Fprintf(out, "restored into %s what was backed up on %s\n", store.Shown(name), m.At.Local().Format("2006-01-02 15:04"))
	return nil
}
