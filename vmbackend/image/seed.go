package image

import (
	"bytes"
	_ "embed"
	"fmt"
	"path/filepath"

	"github.com/kdomanski/iso9660"

	"github.com/labmark/labmark/vmbackend/embedded"
)

// What cloud-init finds on the seed disk, by its data source NoCloud: who the
// machine is (its instance-id), what it shall do, and that it shall leave the
// network alone, which the agent sets up.
var (
	//go:embed seed/user-data
	seedUserData []byte
	//go:embed seed/network-config
	seedNetwork []byte
	//go:embed seed/install
	seedInstall []byte
	//go:embed seed/labmark-agent.service
	seedUnit []byte
)

// seedLabel is the name by which NoCloud finds its disk.
const seedLabel = "cidata"

// seed makes the disk that brings the agent into imported images. It holds no
// secret and is the same for all guests of an architecture.
func (s *Store) seed(a architecture) (string, error) {
	agent, err := embedded.Agent(a.golang)
	if err != nil {
		return "", err
	}
	w, err := iso9660.NewWriter()
	if err != nil {
		return "", fmt.Errorf("make the seed disk: %w", err)
	}
	defer func() { _ = w.Cleanup() }()
	for name, content := range map[string][]byte{
		"meta-data": []byte("instance-id: labmark\n"), "user-data": seedUserData, "network-config": seedNetwork,
		"install": seedInstall, "labmark-agent.service": seedUnit, "labmark-agent": agent,
	} {
		if err := w.AddFile(bytes.NewReader(content), name); err != nil {
			return "", fmt.Errorf("make the seed disk: %s: %w", name, err)
		}
	}
	var disk bytes.Buffer
	if err := w.WriteTo(&disk, seedLabel); err != nil {
		return "", fmt.Errorf("make the seed disk: %w", err)
	}
	return embedded.Place(filepath.Join(s.dir, "machines"), "seed-"+a.debian, undated(disk.Bytes()), 0o644)
}

// undated takes the time of its making out of a disk, so that the same content
// is the same disk: ECMA-119, section 8.4, bytes 814 to 881 of the primary
// volume descriptor, where sixteen zeros and a zero byte stand for no date.
func undated(disk []byte) []byte {
	const descriptor, dates, date = 16 * 2048, 813, 17
	for n := range 4 {
		at := descriptor + dates + n*date
		copy(disk[at:at+date], "0000000000000000\x00")
	}
	return disk
}
