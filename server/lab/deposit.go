package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
)

// depositScript takes a path, an owner and a mode, and the text from its
// standard input. The file takes its place only when it is whole. Folders that
// are missing are made, and belong to the file's owner.
const depositScript = `set -eu
umask 022
if [ -d "$1" ]; then echo "$1 is a folder" >&2; exit 1; fi
dir=${1%/*}
dir=${dir:-/}
up=$dir made=
while [ ! -d "$up" ]; do made=$up; up=${up%/*}; up=${up:-/}; done
if [ "$made" ]; then mkdir -p "$dir"; chown -R "$2:" "$made"; fi
new=$(mktemp "$dir/.labmark-XXXXXX")
trap 'rm -f "$new"' EXIT
cat >"$new"
chown "$2:" "$new"
chmod "$3" "$new"
mv -f "$new" "$1"
`

// Refusal is the guest's own word on why a file can't be written.
type Refusal struct {
	Path, Said string
	Status     int
}

func (r Refusal) Error() string {
	if said := strings.TrimSpace(r.Said); said != "" {
		return fmt.Sprintf("%s can't be written: %s", r.Path, said)
	}
	return fmt.Sprintf("%s can't be written (exit status %d)", r.Path, r.Status)
}

// Deposit writes a file into the guest that client is logged in to as root. It
// returns a Refusal, or an error that wraps checks.ErrConnection.
func Deposit(ctx context.Context, client *ssh.Client, d content.Deposit, values content.Values) error {
	owner := d.Owner
	if owner == "" {
		owner = "root"
	}
	mode := d.Mode.Perm()
	if mode == 0 {
		mode = 0o644
	}
	command := "exec /bin/sh -c " + checks.ShellQuote(depositScript) + " sh " + checks.ShellQuote(d.Path) + " " + checks.ShellQuote(owner) + fmt.Sprintf(" %04o", mode)
	ended := make(chan error, 1)
	go func() { ended <- feed(client, d.Path, command, d.Fill(values)) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		// A guest that does not answer hangs on this connection for ever.
		client.Close()
		return fmt.Errorf("write %s: %w: %w", d.Path, checks.ErrConnection, ctx.Err())
	}
}

// maxSaid bounds what is kept of a guest's complaint, in bytes.
const maxSaid = 2 << 10

func feed(client *ssh.Client, path, command, text string) error {
	session, err := client.NewSession()
	if err != nil {
		return fmt.Errorf("write %s: %w: %w", path, checks.ErrConnection, err)
	}
	defer session.Close()
	var said bytes.Buffer
	session.Stdin, session.Stderr = strings.NewReader(text), &bounded{&said}
	err = session.Run(command)
	var exit *ssh.ExitError
	switch {
	case errors.As(err, &exit):
		return Refusal{path, said.String(), exit.ExitStatus()}
	case err != nil:
		return fmt.Errorf("write %s: %w: %w", path, checks.ErrConnection, err)
	}
	return nil
}

// bounded throws away what is too much.
type bounded struct{ to *bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	b.to.Write(p[:min(len(p), max(0, maxSaid-b.to.Len()))])
	return len(p), nil
}
