package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/labmark/labmark/server/gradebook"
	"github.com/labmark/labmark/server/store"
)

type userExportCmd struct {
	Who    string `arg:"" help:"Login or number of the person."`
	Output string `short:"o" help:"File to write; otherwise standard output." placeholder:"FILE"`
}

func (c *userExportCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	db, u, err := s.person(ctx, c.Who)
	if err != nil {
		return err
	}
	defer db.Close()
	text, err := gradebook.Book{Store: db}.ExportUser(ctx, u.ID, true)
	if err != nil {
		return err
	}
	return writeTo(c.Output, out, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// person opens the database and finds a user by login or, failing that, by
// number. A name that could be either is refused: a wrong person can't be
// brought back.
func (s *Settings) person(ctx context.Context, who string) (*store.Store, store.User, error) {
	db, err := s.openStore()
	if err != nil {
		return nil, store.User{}, err
	}
	u, err := findPerson(ctx, db, who)
	if err != nil {
		db.Close()
		return nil, store.User{}, err
	}
	return db, u, nil
}

func findPerson(ctx context.Context, db *store.Store, who string) (store.User, error) {
	u, err := db.UserByLogin(ctx, who)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.User{}, err
	}
	byLogin := err == nil
	number, err := strconv.ParseUint(who, 10, 32)
	if err == nil {
		numbered, err := db.User(ctx, uint(number))
		switch {
		case err == nil && byLogin && numbered.ID != u.ID:
			return store.User{}, fmt.Errorf("%s is the login of %s and the number of %s: name the second by login, or the first by the number %d",
				who, u.Called(), numbered.Called(), u.ID)
		case err == nil:
			return numbered, nil
		case !errors.Is(err, store.ErrNotFound):
			return store.User{}, err
		}
	}
	if !byLogin {
		return store.User{}, fmt.Errorf("there is nobody with the login or number %q: labmark user list shows all", who)
	}
	return u, nil
}

type userEraseCmd struct {
	Who string `arg:"" help:"Login or number of the person."`
	Yes bool   `help:"Don't ask."`
}

func (c *userEraseCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	db, u, err := s.person(ctx, c.Who)
	if err != nil {
		return err
	}
	defer db.Close()
	p, err := db.Person(ctx, u.ID)
	if err != nil {
		return err
	}
	if !c.Yes {
		fmt.Fprintf(out, "This erases %s (login %s, number %d): %d attempts in %d courses of platforms, and %d machines.\n"+
			"It can't be undone. Grades that a platform has already been sent stay there.\nType the name to go on: ",
			u.Called(), u.Login, u.ID, len(p.Attempts), len(p.Contexts), len(p.Guests))
		typed, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if strings.TrimSpace(typed) != u.Called() {
			return fmt.Errorf("that is not %q: nothing was erased", u.Called())
		}
	}
	if err := db.Erase(ctx, u.ID); err != nil {
		return err
	}
	fmt.Fprintf(out, "erased %s\n", u.Called())
	if len(p.Guests) > 0 {
		fmt.Fprintln(out, "The server destroys their machines when it next looks, or when it is next started.")
	}
	return nil
}
