// Package login proves who somebody is. Everything about passwords is in
// here, so that another way to sign in can take its place.
package login

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/labmark/labmark/server/store"
)

// ErrWrong does not tell whether the login or the password is wrong.
var ErrWrong = errors.New("login or password is wrong")

// ErrTooOften is returned after several wrong passwords for a login.
var ErrTooOften = errors.New("too many wrong passwords; wait a minute and try again")

// MinPassword is the fewest characters that a password may have.
const MinPassword = 8

// Parameters of argon2id: the second recommended option of RFC 9106,
// section 4.
const (
	passes  = 3
	memory  = 64 << 10 // KiB
	lanes   = 4
	saltLen = 16
	keyLen  = 32
)

// Hash returns a password's hash as a PHC string.
func Hash(password string) string {
	salt := make([]byte, saltLen)
	rand.Read(salt) // never fails, see crypto/rand
	key := argon2.IDKey([]byte(password), salt, passes, memory, lanes, keyLen)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// matches compares in constant time. A hash that can't be read fits nothing.
func matches(hash, password string) bool {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	var m, t uint32
	var p uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &m, &t, &p); err != nil {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	key, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(key) == 0 {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, t, m, p, uint32(len(key)))
	return subtle.ConstantTimeCompare(got, key) == 1
}

// name is what a login may look like.
var name = regexp.MustCompile(`^[a-z0-9][a-z0-9._@-]{0,63}$`)

// CheckNew says what is wrong with a login or password for a new account.
func CheckNew(login, password string) error {
	if !name.MatchString(login) {
		return fmt.Errorf("login %q: take 1 to 64 of a-z, 0-9, . _ @ -, beginning with a letter or digit", login)
	}
	if len([]rune(password)) < MinPassword {
		return fmt.Errorf("the password must have at least %d characters", MinPassword)
	}
	return nil
}

// Door lets people in who know their password.
type Door struct {
	users interface {
		UserByLogin(context.Context, string) (store.User, error)
	}
	now    func() time.Time
	decoy  string        // hash to check where there is no user, for equal time
	hashes chan struct{} // each hash takes 64 MiB; so few at a time

	mu    sync.Mutex
	wrong map[string]misses
}

type misses struct {
	count int
	since time.Time
}

// Five wrong passwords within a minute close a login for the rest of it.
const (
	maxWrong = 5
	window   = time.Minute
)

// NewDoor returns a Door over the accounts of s.
func NewDoor(s *store.Store) *Door {
	return &Door{users: s, now: time.Now, decoy: Hash(rand.Text()),
		hashes: make(chan struct{}, 4), wrong: map[string]misses{}}
}

// Enter returns the user with this login and password, ErrWrong or
// ErrTooOften.
func (d *Door) Enter(ctx context.Context, login, password string) (store.User, error) {
	login = strings.ToLower(strings.TrimSpace(login))
	if !d.mayTry(login) {
		return store.User{}, ErrTooOften
	}
	u, err := d.users.UserByLogin(ctx, login)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.User{}, err
	}
	hash := u.PasswordHash
	if err != nil || hash == "" {
		hash = d.decoy
	}
	select {
	case d.hashes <- struct{}{}:
		defer func() { <-d.hashes }()
	case <-ctx.Done():
		return store.User{}, ctx.Err()
	}
	if !matches(hash, password) || hash == d.decoy {
		return store.User{}, ErrWrong
	}
	d.mu.Lock()
	delete(d.wrong, login)
	d.mu.Unlock()
	return u, nil
}

// mayTry counts a try as wrong until Enter knows better.
func (d *Door) mayTry(login string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	for l, m := range d.wrong {
		if now.Sub(m.since) >= window {
			delete(d.wrong, l)
		}
	}
	m := d.wrong[login]
	if m.count >= maxWrong {
		return false
	}
	if m.count == 0 {
		m.since = now
	}
	m.count++
	d.wrong[login] = m
	return true
}
