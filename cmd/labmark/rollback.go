package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/store"
)

type rollbackCmd struct {
	Yes bool `help:"Ask nothing."`
}

// Run works with either version of Labmark, the newer and the former.
func (c *rollbackCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	if s.Database != "" {
		return errors.New("copies before upgrades are taken of SQLite's file only: restore the backup that was made before into an empty database (labmark restore)")
	}
	if _, err := os.Stat(s.DataDir); err != nil {
		return fmt.Errorf("%w: name the data folder by --data-dir", err)
	}
	unlock, err := server.LockData(s.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	name := store.In(s.DataDir, s.Database)
	former, err := store.FormerCopy(ctx, name)
	if err != nil {
		return err
	}
	at := former.At.Local().Format("2006-01-02 15:04")
	fmt.Fprintf(out, "%s is the database as it was on %s, before the upgrade.\n"+
		"What was stored since then will be missing from what is served: attempts, grades, accounts.\n", former.File, at)
	if !c.Yes {
		if err := ask("Go back to it? [y/N] "); err != nil {
			return err
		}
	}
	kept, err := store.Rollback(name, former)
	if err != nil {
		return fmt.Errorf("go back to %s: %w", former.File, err)
	}
	fmt.Fprintf(out, "The database is that of %s; what it was until now is kept as %s.\n"+
		"Start the former version of labmark now: this one would upgrade it again.\n", at, kept)
	return nil
}

// ask fails unless somebody at a terminal says yes.
func ask(question string) error {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return errors.New("nobody is there to be asked: say --yes")
	}
	fmt.Fprint(os.Stderr, question)
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}
