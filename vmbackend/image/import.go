package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// phaseImport is all that an import does.
var phaseImport = phase{"storing the image", 0, 1}

// Import puts a disk that boots itself into the store: a cloud image with
// cloud-init, as distributions offer them in the format qcow2. The guest gets
// the agent from a second disk, see Machine.Seed. name is what courses call
// it, arch its processor in the recipe's words. report may be nil.
func Import(ctx context.Context, s *Store, file, name, arch string, report func(Progress)) (Image, error) {
	a, err := byArch(arch)
	if err != nil {
		return Image{}, err
	}
	if !nameForm.MatchString(name) {
		return Image{}, fmt.Errorf("the name %q: a name has 1 to 40 of a-z, 0-9, dot and dash", name)
	}
	size, err := inspectDisk(ctx, file)
	if err != nil {
		return Image{}, fmt.Errorf("import %s: %w", file, err)
	}
	m := newMeter(report)
	m.enter(phaseImport, "")
	return s.take(ctx, Image{Name: name, Size: size, Arch: a.stored(), Format: QCOW2}, file, m)
}

// diskInfo is what is needed of qemu-img's answer.
type diskInfo struct {
	Format      string `json:"format"`
	VirtualSize int64  `json:"virtual-size"`
	Backing     string `json:"backing-filename"`
	Specific    struct {
		Data struct {
			DataFile string         `json:"data-file"`
			Encrypt  map[string]any `json:"encrypt"`
		} `json:"data"`
	} `json:"format-specific"`
}

// inspectDisk says how large a guest's disk will be, in bytes. A disk that
// names other files is refused: they would be read on the node, whatever they
// are.
func inspectDisk(ctx context.Context, file string) (int64, error) {
	cmd := exec.CommandContext(ctx, "qemu-img", "info", "--output=json", "-f", "qcow2", file)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	var failed *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return 0, errors.New("qemu-img is not installed: apt-get install qemu-utils")
	case errors.As(err, &failed):
		return 0, fmt.Errorf("it is no disk in the format qcow2 (%s); convert it with: qemu-img convert -O qcow2 %s NEW", failed.Stderr, file)
	case err != nil:
		return 0, err
	}
	var info diskInfo
	if err := json.Unmarshal(out, &info); err != nil {
		return 0, err
	}
	switch {
	case info.Backing != "" || info.Specific.Data.DataFile != "":
		return 0, fmt.Errorf("it is a set of changes to another file; make it whole with: qemu-img convert -O qcow2 %s NEW", file)
	case info.Specific.Data.Encrypt != nil:
		return 0, errors.New("it is encrypted")
	case info.VirtualSize > maxDisk:
		return 0, fmt.Errorf("its disk of %d bytes is larger than a terabyte", info.VirtualSize)
	}
	return info.VirtualSize, nil
}
