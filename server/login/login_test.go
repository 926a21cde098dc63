package login

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/server/store"
)

type users map[string]store.User

func (u users) UserByLogin(_ context.Context, login string) (store.User, error) {
	if found, ok := u[login]; ok {
		return found, nil
	}
	return store.User{}, store.ErrNotFound
}

func door(u users) *Door {
	d := NewDoor(nil)
	d.users = u
	return d
}

func TestEnter(t *testing.T) {
	d := door(users{
		"ann":  {ID: 1, Login: "ann", PasswordHash: Hash("open sesame")},
		"demo": {ID: 2, Login: "demo"},
	})
	for _, tt := range []struct {
		login, password string
		want            error
	}{
		{"ann", "open sesame", nil},
		{" Ann ", "open sesame", nil},
		{"ann", "open sesam", ErrWrong},
		{"ann", "", ErrWrong},
		{"bob", "open sesame", ErrWrong},
		{"demo", "", ErrWrong}, // no password fits an account without one
	} {
		u, err := d.Enter(t.Context(), tt.login, tt.password)
		if !errors.Is(err, tt.want) || (err == nil) != (u.ID == 1) {
			t.Errorf("%q %q: got %+v, %v; want %v", tt.login, tt.password, u, err, tt.want)
		}
	}
}

func TestGuessingIsSlowedDown(t *testing.T) {
	d := door(users{"ann": {ID: 1, Login: "ann", PasswordHash: Hash("open sesame")}, "bob": {ID: 2, Login: "bob", PasswordHash: Hash("hold the door")}})
	now := time.Now()
	d.now = func() time.Time { return now }
	for range maxWrong {
		if _, err := d.Enter(t.Context(), "ann", "wrong"); !errors.Is(err, ErrWrong) {
			t.Fatalf("got %v, want ErrWrong", err)
		}
	}
	if _, err := d.Enter(t.Context(), "ann", "open sesame"); !errors.Is(err, ErrTooOften) {
		t.Errorf("after %d wrong ones: got %v, want ErrTooOften", maxWrong, err)
	}
	if _, err := d.Enter(t.Context(), "bob", "hold the door"); err != nil {
		t.Errorf("others must not suffer: %v", err)
	}
	now = now.Add(window)
	if _, err := d.Enter(t.Context(), "ann", "open sesame"); err != nil {
		t.Errorf("after a minute: %v", err)
	}
}

func TestHashesDifferAndTellNothing(t *testing.T) {
	a, b := Hash("open sesame"), Hash("open sesame")
	if a == b || strings.Contains(a, "sesame") {
		t.Errorf("hashes %q and %q", a, b)
	}
	for _, broken := range []string{"", "$", "$argon2id$v=19$m=1,t=1,p=1$$", "$argon2id$v=19$m=x$YQ$YQ", strings.Replace(a, "argon2id", "argon2i", 1)} {
		if matches(broken, "open sesame") {
			t.Errorf("%q lets somebody in", broken)
		}
	}
}

func TestCheckNew(t *testing.T) {
	for _, tt := range []struct {
		login, password, want string
	}{
		{"ann.b-c@example.test", "12345678", ""},
		{"Ann", "12345678", "login"},
		{"", "12345678", "login"},
		{"../x", "12345678", "login"},
		{"ann", "1234567", "8 characters"},
		{"ann", "äöüäöüäö", ""},
	} {
		err := CheckNew(tt.login, tt.password)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q %q: got %v, want %q", tt.login, tt.password, err, tt.want)
		}
	}
}
