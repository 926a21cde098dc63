package agent

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/labmark/labmark/vmbackend/guestlink"
)

// namedFile holds the hostname that Labmark gave last. While it agrees with
// what Labmark gives again, the student's own /etc/hostname counts.
const namedFile = "/var/lib/labmark/hostname"

// identity applies personal data once, and again when the host comes with
// another host key: then this guest is a copy of one that was running.
type identity struct {
	mu      sync.Mutex
	hostKey []byte
}

// take applies p. Only what would let a wrong machine in is an error; a disk
// that is full must keep nobody out.
func (id *identity) take(p guestlink.Personal) error {
	id.mu.Lock()
	defer id.mu.Unlock()
	if bytes.Equal(id.hostKey, p.HostKey) {
		return nil // the host only joined again
	}
	if len(p.Entropy) > 0 {
		if err := addEntropy(p.Entropy); err != nil {
			logf("entropy: %v", err)
		}
	}
	if !p.Time.IsZero() {
		tv := unix.NsecToTimeval(p.Time.UnixNano())
		if err := unix.Settimeofday(&tv); err != nil {
			logf("setting the clock: %v", err)
		}
	}
	if p.Hostname != "" {
		if err := setHostname(p.Hostname); err != nil {
			logf("hostname: %v", err)
		}
	}
	for _, n := range p.Networks {
		if err := setUpNetwork(n); err != nil {
			return fmt.Errorf("network %s: %w", n.Name, err)
		}
	}
	id.hostKey = bytes.Clone(p.HostKey)
	return nil
}

// addEntropy credits data in full, see RNDADDENTROPY in random(4).
func addEntropy(data []byte) error {
	f, err := os.OpenFile("/dev/urandom", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	const most = 512
	data = data[:min(len(data), most)]
	info := struct {
		bits, size int32
		data       [most]byte
	}{bits: int32(8 * len(data)), size: int32(len(data))}
	copy(info.data[:], data)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), unix.RNDADDENTROPY, uintptr(unsafe.Pointer(&info)))
	if errno != 0 {
		return errno
	}
	return nil
}

func setHostname(name string) error {
	if firstWord(namedFile) == name {
		if own := firstWord("/etc/hostname"); own != "" {
			name = own
		}
		return unix.Sethostname([]byte(name))
	}
	err := unix.Sethostname([]byte(name))
	// A full or read-only disk keeps the name from lasting, nothing more.
	if replaceFile("/etc/hostname", []byte(name+"\n")) == nil && nameInHosts(name) == nil {
		_ = os.MkdirAll(filepath.Dir(namedFile), 0o755)
		_ = replaceFile(namedFile, []byte(name+"\n"))
	}
	return err
}

// nameInHosts makes the name known to the guest itself: without, sudo and
// others wait for a name server.
func nameInHosts(name string) error {
	const path = "/etc/hosts"
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		data, err = []byte("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"), nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		for _, word := range strings.Fields(line) {
			if word == name {
				return nil
			}
		}
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		data = append(data, '\n')
	}
	return replaceFile(path, append(data, "127.0.1.1\t"+name+"\n"...))
}

// replaceFile writes a file so that a full disk leaves the old one.
func replaceFile(path string, data []byte) error {
	temp := path + ".labmark"
	if err := os.WriteFile(temp, data, 0o644); err != nil {
		_ = os.Remove(temp)
		return err
	}
	return os.Rename(temp, path)
}

func firstWord(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	word, _, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
	return strings.TrimSpace(word)
}
