package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend/guestssh"
)

// ownKey reads a private SSH key, or makes one, and returns its public half in
// the form of authorized_keys.
func ownKey(file string) (string, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return newKey(file)
	}
	if err != nil {
		return "", err
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return keyLine(signer.PublicKey()), nil
}

func newKey(file string) (string, error) {
	pem, public, err := guestssh.NewHostKey() // any key of this kind will do
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", err
	}
	return keyLine(public), os.WriteFile(file, pem, 0o600)
}

func keyLine(k ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k))) + " labmark"
}
