package image

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/labmark/labmark/vmbackend/agent/initrd"
	"github.com/labmark/labmark/vmbackend/embedded"
)

// Machine says how QEMU starts an image.
type Machine struct {
	// Arch is QEMU's word: x86_64, aarch64, s390x.
	Arch string
	// Kernel and Initrd are files here; empty for an image that boots itself.
	Kernel, Initrd string
	KernelArgs     string
	// Seed is an ISO file with cloud-init data; empty without.
	Seed string
}

// AgentPort is the name of the virtio-serial port at which the agent serves.
const AgentPort = "org.labmark.agent.0"

// kernelArgs are followed by those of the architecture. A guest whose kernel
// panics starts anew: nobody is there to press the button.
const kernelArgs = "root=/dev/vda rw labmark.link=virtio:" + AgentPort + " quiet panic=-1 "

// Machine tells how QEMU starts an image. What is missing for it is made: the
// kernel comes from Debian's archive, once, which takes some seconds and needs
// apt. The files are named by what is in them, and never change.
func (s *Store) Machine(ctx context.Context, i Image) (Machine, error) {
	a, err := byArch(i.Arch)
	if err != nil {
		return Machine{}, err
	}
	if i.Format == QCOW2 {
		seed, err := s.seed(a)
		return Machine{Arch: a.name, Seed: seed}, err
	}
	k, err := s.kernelOf(ctx, i, a)
	if err != nil {
		return Machine{}, err
	}
	archive, err := initialDisk(k)
	if err != nil {
		return Machine{}, fmt.Errorf("make the initial disk for kernel %s: %w", k.version, err)
	}
	path, err := embedded.Place(filepath.Join(s.dir, "machines"), "initrd-"+a.debian, archive, 0o644)
	if err != nil {
		return Machine{}, err
	}
	return Machine{Arch: a.name, Kernel: k.file(), Initrd: path, KernelArgs: kernelArgs + a.words}, nil
}

// bootModules are loaded before the root disk is there. A kernel that lacks
// one has it built in or its machine does not need it.
var bootModules = []string{
	"virtio_pci", "virtio_mmio", "virtio_ccw", "virtio_blk", "virtio_console", "virtio_net", "virtio-rng",
	"virtio_balloon", "virtio_input", "crc32c_generic", "crc32c-intel", "ext4", "dummy",
}

// initialDisk is the agent with the modules that it loads.
func initialDisk(k kernel) ([]byte, error) {
	agent, err := embedded.Agent(k.arch.golang)
	if err != nil {
		return nil, err
	}
	names, err := loadOrder(k.modules(), bootModules)
	if err != nil {
		return nil, err
	}
	var modules []initrd.Module
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(k.modules(), name))
		if err != nil {
			return nil, err
		}
		modules = append(modules, initrd.Module{Name: filepath.Base(name), Data: data})
	}
	var archive bytes.Buffer
	toolbox, _ := embedded.Toolbox(k.arch.golang) // without it checks use the guest's programs
	err = initrd.Write(&archive, agent, toolbox, modules...)
	return archive.Bytes(), err
}

// loadOrder lists the files of the wanted modules that folder has, each after
// all that it needs.
func loadOrder(folder string, wanted []string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(folder, "modules.dep"))
	if err != nil {
		return nil, err
	}
	needs, files := map[string][]string{}, map[string]string{}
	for scan := bufio.NewScanner(bytes.NewReader(text)); scan.Scan(); {
		if file, list, found := strings.Cut(scan.Text(), ":"); found {
			name, _, _ := strings.Cut(filepath.Base(file), ".ko")
			needs[file], files[name] = strings.Fields(list), file
		}
	}
	var order []string
	for _, name := range wanted {
		file, found := files[name]
		if !found {
			continue
		}
		// modules.dep names first what must be loaded last.
		for _, f := range slices.Backward(append([]string{file}, needs[file]...)) {
			if !slices.Contains(order, f) {
				order = append(order, f)
			}
		}
	}
	return order, nil
}
