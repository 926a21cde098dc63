package uml

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/labmark/labmark/vmbackend"
)

// What a guest's folder holds beside the shim's files.
const (
	recordFile = "spec.json"
	diskFile   = "cow"
	startFile  = "started" // its time is when the guest was last started
)

// Folders below Config.Dir/guests whose names no guest can have.
const (
	halfMade = ".new-"
	halfGone = ".gone-"
)

// record is what is stored of a guest.
type record struct {
	vmbackend.Spec
	// HostID is the host's user that the guest's kernel runs as, if root
	// started it. No two guests share one.
	HostID int `json:"host_id,omitempty"`
}

func folderOf(dir, id string) string { return filepath.Join(dir, "guests", id) }

// makeFolder creates all that belongs to a guest. It holds the backend's lock,
// because it counts guests and picks a host user that no other has.
func (b *Backend) makeFolder(spec vmbackend.Spec, base string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := os.Stat(b.folder(spec.ID)); err == nil {
		return vmbackend.ErrExists
	}
	hostID, err := b.room()
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Join(b.cfg.Dir, "guests"), halfMade+"*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }() // nothing is there once it is renamed
	content, err := json.Marshal(record{Spec: spec, HostID: hostID})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(temp, recordFile), content, 0o600); err != nil {
		return err
	}
	if err := createDisk(filepath.Join(temp, diskFile), base, hostID); err != nil {
		return err
	}
	err = os.Rename(temp, b.folder(spec.ID))
	if errors.Is(err, os.ErrExist) || errors.Is(err, syscall.ENOTEMPTY) {
		return vmbackend.ErrExists
	}
	return err
}

// room returns the host user for one more guest, 0 unless root asks.
func (b *Backend) room() (int, error) {
	ids, err := b.ids()
	if err != nil {
		return 0, err
	}
	if len(ids) >= b.cfg.MaxGuests {
		return 0, fmt.Errorf("%d guests are there already, as many as may be (max guests): %w", len(ids), vmbackend.ErrFull)
	}
	if os.Getuid() != 0 {
		return 0, nil
	}
	taken := map[int]bool{}
	for _, id := range ids {
		if r, err := b.readRecord(id); err == nil {
			taken[r.HostID] = true
		}
	}
	hostID := b.cfg.FirstHostID
	for taken[hostID] {
		hostID++
	}
	return hostID, nil
}

// ids lists the guests that are on disk.
func (b *Backend) ids() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(b.cfg.Dir, "guests"))
	if err != nil {
		return nil, fmt.Errorf("list guests: %w", err)
	}
	var ids []string
	for _, entry := range entries {
		if vmbackend.ValidID(entry.Name()) {
			ids = append(ids, entry.Name())
		}
	}
	return ids, nil
}

func (b *Backend) readRecord(id string) (record, error) {
	var r record
	if err := b.exists(id); err != nil {
		return r, err
	}
	content, err := os.ReadFile(filepath.Join(b.folder(id), recordFile))
	if errors.Is(err, os.ErrNotExist) {
		err = vmbackend.ErrNoGuest // destroyed a moment ago
	}
	if err == nil {
		err = json.Unmarshal(content, &r)
	}
	if err != nil {
		return r, fmt.Errorf("guest %s: read its record: %w; destroy the guest if it cannot be mended", id, err)
	}
	return r, nil
}

// removeFolder takes a guest off the list in one step, then removes it.
func (b *Backend) removeFolder(id string) error {
	gone, err := os.MkdirTemp(filepath.Join(b.cfg.Dir, "guests"), halfGone+"*")
	if err != nil {
		return err
	}
	if err := os.Rename(b.folder(id), filepath.Join(gone, "guest")); err != nil {
		return err
	}
	return os.RemoveAll(gone)
}

// sweep removes what a crash left of guests half made or half removed. The
// caller must be the only process that makes guests in dir.
func sweep(dir string) error {
	entries, err := os.ReadDir(filepath.Join(dir, "guests"))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), halfMade) || strings.HasPrefix(entry.Name(), halfGone) {
			if err := os.RemoveAll(filepath.Join(dir, "guests", entry.Name())); err != nil {
				return fmt.Errorf("remove what a crash left: %w", err)
			}
		}
	}
	return nil
}
