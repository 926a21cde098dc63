package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// search looks on all disks for the words that standard input has, one a
// line. The words stand nowhere in the guest but in the probe's memory.
func search(node string) (report, error) {
	var r report
	var words [][]byte
	for scan := bufio.NewScanner(os.Stdin); scan.Scan(); {
		words = append(words, bytes.Clone(scan.Bytes()))
	}
	disks, err := filepath.Glob("/sys/class/block/*")
	if err != nil {
		return r, err
	}
	for _, disk := range disks {
		size, _ := os.ReadFile(filepath.Join(disk, "size"))
		name := filepath.Base(disk)
		if s := strings.TrimSpace(string(size)); s == "" || s == "0" || strings.HasPrefix(name, "ram") {
			continue // nothing is in it, or what this guest puts there
		}
		r.Interfaces = append(r.Interfaces, name)
		found, err := searchDisk(disk, node, words)
		if err != nil {
			return r, fmt.Errorf("%s: %w", name, err)
		}
		for _, w := range found {
			r.Heard = append(r.Heard, name+" has "+w)
		}
	}
	return r, nil
}

// searchDisk opens the disk by a device node of its own, at path node.
func searchDisk(disk, node string, words [][]byte) (found []string, err error) {
	numbers, err := os.ReadFile(filepath.Join(disk, "dev"))
	if err != nil {
		return nil, err
	}
	var major, minor uint32
	if _, err := fmt.Sscanf(string(numbers), "%d:%d", &major, &minor); err != nil {
		return nil, err
	}
	if err := unix.Mknod(node, unix.S_IFBLK|0o600, int(unix.Mkdev(major, minor))); err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(node) }()
	f, err := os.Open(node)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	const block, overlap = 1 << 20, 256 // words are shorter
	buf := make([]byte, overlap+block)
	have := 0
	seen := map[string]bool{}
	for {
		n, err := f.Read(buf[have:])
		for _, w := range words {
			if bytes.Contains(buf[:have+n], w) && !seen[string(w)] {
				seen[string(w)] = true
				found = append(found, string(w))
			}
		}
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		keep := min(overlap, have+n)
		copy(buf, buf[have+n-keep:have+n])
		have = keep
	}
}
