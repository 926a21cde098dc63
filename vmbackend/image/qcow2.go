package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// diskSum is what is known of a compact disk, in a file beside it.
type diskSum struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// Disk is the image as a compact qcow2 file for copying to nodes: its path, its
// SHA-256 in hex and its length in bytes. It is made by qemu-img the first
// time.
func (s *Store) Disk(ctx context.Context, i Image) (path, sum string, size int64, err error) {
	path = s.compactPath(i)
	if d, ok := readDiskSum(path); ok {
		return path, d.SHA256, d.Size, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", "", 0, err
	}
	unlock, err := lockFile(ctx, filepath.Join(s.dir, "machines", "lock"))
	if err != nil {
		return "", "", 0, err
	}
	defer unlock()
	d, ok := readDiskSum(path)
	if !ok {
		if d, err = s.writeCompact(ctx, i, path); err != nil {
			return "", "", 0, fmt.Errorf("make the disk of image %s for nodes: %w", i.Name, err)
		}
	}
	return path, d.SHA256, d.Size, nil
}

func (s *Store) compactPath(i Image) string {
	return filepath.Join(s.dir, "machines", strings.Replace(i.Digest, ":", "-", 1)+".qcow2")
}

// readDiskSum returns what stands beside a disk, if that is whole.
func readDiskSum(path string) (diskSum, bool) {
	var d diskSum
	text, err := os.ReadFile(path + ".json")
	if err != nil || json.Unmarshal(text, &d) != nil {
		return d, false
	}
	info, err := os.Stat(path)
	return d, err == nil && info.Size() == d.Size
}

// writeCompact makes the disk under another name first, and says what it is
// last: what is there is whole.
func (s *Store) writeCompact(ctx context.Context, i Image, path string) (d diskSum, err error) {
	temp := path + ".tmp"
	defer func() { _ = os.Remove(temp) }() // gone already when all went well
	if err := convert(ctx, i, temp); err != nil {
		return d, err
	}
	f, err := os.Open(temp)
	if err != nil {
		return d, err
	}
	h := sha256.New()
	d.Size, err = io.Copy(h, f)
	d.SHA256 = hex.EncodeToString(h.Sum(nil))
	err = errors.Join(err, f.Chmod(0o444), f.Close())
	if err != nil {
		return d, err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return d, err
	}
	if err := os.Rename(temp, path); err != nil {
		return d, err
	}
	return d, os.WriteFile(path+".json", text, 0o644)
}

func convert(ctx context.Context, i Image, to string) error {
	format := i.Format
	if format == "" {
		format = "raw"
	}
	cmd := exec.CommandContext(ctx, "qemu-img", "convert", "-f", format, "-O", "qcow2", i.Path, to)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("qemu-img is not installed: apt-get install qemu-utils")
	}
	if err != nil {
		return errors.Join(fmt.Errorf("qemu-img failed (%w): %s", err, out), ctx.Err())
	}
	return nil
}
