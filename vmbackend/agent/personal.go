package agent

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

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
	clock   clock
}

// take applies p, and says whether this guest was another's before. Only what
// would let a wrong machine in is an error; a disk that is full must keep
// nobody out.
func (id *identity) take(p guestlink.Personal) (another bool, err error) {
	id.mu.Lock()
	defer id.mu.Unlock()
	// First of all, and at each join: this may be a copy whose random numbers
	// would be those of all others.
	if err := renewRandom(p.Entropy); err != nil {
		logf("entropy: %v", err)
	}
	if bytes.Equal(id.hostKey, p.HostKey) {
		id.clock.correct(p.Time) // the host only joined again
		return false, nil
	}
	id.clock.set(p.Time)
	if err := renewMachineID("/", p.HostKey); err != nil {
		logf("machine-id: %v", err)
	}
	if p.Hostname != "" {
		if err := setHostname(p.Hostname); err != nil {
			logf("hostname: %v", err)
		}
	}
	for _, n := range p.Networks {
		if err := setUpNetwork(n); err != nil {
			return false, fmt.Errorf("network %s: %w", n.Name, err)
		}
	}
	if err := nameOthers("/etc/hosts", p.Hosts); err != nil {
		logf("/etc/hosts: %v", err)
	}
	another = id.hostKey != nil
	id.hostKey = bytes.Clone(p.HostKey)
	return another, nil
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
