// Package embedded carries the programs that guests need, so that one labmark
// binary is all that is installed: the agent, which runs inside every guest,
// the toolbox of checks, and the shim, which supervises one User-Mode Linux
// guest on the host.
package embedded

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed *
var files embed.FS

// Agent returns the guest's agent for a processor in Go's word (amd64, arm64,
// s390x): a static executable.
func Agent(arch string) ([]byte, error) {
	return read("labmark-agent-"+arch, "guest agent for "+arch)
}

// Toolbox returns the programs that checks use in guests of a processor: a
// gzipped tar, which internal/setup/toolbox.sh makes.
func Toolbox(arch string) ([]byte, error) {
	return read("labmark-toolbox-"+arch+".tar.gz", "toolbox of checks for "+arch)
}

// Shim returns the guest's supervisor, a static executable.
func Shim() ([]byte, error) { return read("labmark-shim", "guest supervisor") }

func read(name, what string) ([]byte, error) {
	content, err := files.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("built without the %s: run make", what)
	}
	return content, err
}

// Place writes content into dir as NAME-DIGEST, unless it is there already,
// and returns its path. Several processes may do so at once: a file appears
// whole or not at all. mode is the file's, before the umask.
func Place(dir, name string, content []byte, mode os.FileMode) (string, error) {
	sum := sha256.Sum256(content)
	path := filepath.Join(dir, name+"-"+hex.EncodeToString(sum[:12]))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("place %s: %w", name, err)
	}
	temp, err := os.CreateTemp(dir, "."+name+"-*")
	if err != nil {
		return "", fmt.Errorf("place %s: %w", name, err)
	}
	defer func() { _ = os.Remove(temp.Name()) }() // fails once it is renamed
	_, err = temp.Write(content)
	err = errors.Join(err, temp.Chmod(mode), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return "", fmt.Errorf("place %s: %w", name, err)
	}
	return path, nil
}
