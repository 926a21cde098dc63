package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"

	"github.com/labmark/labmark/server/login"
	"github.com/labmark/labmark/server/store"
)

type userCmd struct {
	Add      userAddCmd      `cmd:"" help:"Add an account; the password is asked for, or read from standard input."`
	Password userPasswordCmd `cmd:"" help:"Give an account a new password, asked for or read from standard input."`
	List     userListCmd     `cmd:"" help:"List all accounts."`
	Export   userExportCmd   `cmd:"" help:"Write all that is kept about a person."`
	Erase    userEraseCmd    `cmd:"" help:"Remove a person and all that is kept about them."`
}

// openStore opens the installation's database. It may be in use by a
// running server.
func (s *Settings) openStore() (*store.Store, error) {
	if err := os.MkdirAll(s.DataDir, 0o700); err != nil {
		return nil, err
	}
	return store.Open(store.In(s.DataDir, s.Database))
}

type userAddCmd struct {
	Login string `arg:"" help:"What the person signs in with: a-z, 0-9 and . _ @ -"`
	Name  string `help:"What the person is called; otherwise the login."`
	Admin bool   `help:"May register learning platforms."`
}

func (c *userAddCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	db, hash, err := s.newPassword(c.Login)
	if err != nil {
		return err
	}
	defer db.Close()
	err = db.AddUser(ctx, &store.User{Login: c.Login, Name: c.Name, PasswordHash: hash, Admin: c.Admin})
	if errors.Is(err, store.ErrExists) {
		return fmt.Errorf("there is an account %q already: labmark user password %s gives it a new password", c.Login, c.Login)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "added %s\n", c.Login)
	return nil
}

// newPassword asks for a password and opens the database to put it in.
func (s *Settings) newPassword(name string) (db *store.Store, hash string, err error) {
	password, err := readPassword()
	if err != nil {
		return nil, "", err
	}
	if err := login.CheckNew(name, password); err != nil {
		return nil, "", err
	}
	db, err = s.openStore()
	return db, login.Hash(password), err
}

type userPasswordCmd struct {
	Login string `arg:"" help:"Whose password to set."`
}

func (c *userPasswordCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	db, hash, err := s.newPassword(c.Login)
	if err != nil {
		return err
	}
	defer db.Close()
	err = db.SetPassword(ctx, c.Login, hash)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no account %q: labmark user list shows all", c.Login)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s has a new password\n", c.Login)
	return nil
}

type userListCmd struct{}

func (*userListCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	db, err := s.openStore()
	if err != nil {
		return err
	}
	defer db.Close()
	users, err := db.Users(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NUMBER\tLOGIN\tNAME\tSINCE")
	for _, u := range users {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", u.ID, u.Login, u.Called(), u.CreatedAt.Local().Format("2006-01-02"))
	}
	return w.Flush()
}

// readPassword asks twice at a terminal, and reads a line from anything else.
// Passwords are no flags: those can be seen in lists of processes.
func readPassword() (string, error) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(os.Stderr, prompt)
		p, err := term.ReadPassword(fd)
		fmt.Fprintln(os.Stderr)
		return string(p), err
	}
	first, err := ask("Password: ")
	if err != nil {
		return "", err
	}
	second, err := ask("Once more: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ: try again")
	}
	return first, nil
}
