package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Flavours of Debian's kernel that an image can be started with.
const (
	// Cloud is the small kernel for virtual machines; the default.
	Cloud = "cloud"
	// Generic has all drivers, also for screens.
	Generic = "generic"
)

// kernelSuite is where the kernel of an image comes from that has no modules.
const kernelSuite = "bookworm"

// kernel is one of Debian's kernels, unpacked in the store:
//
//	kernels/DEBIAN-ARCH/VERSION/kernel               what QEMU starts
//	kernels/DEBIAN-ARCH/VERSION/lib/modules/VERSION  its modules, with modules.dep
type kernel struct {
	arch    architecture
	version string // such as 6.1.0-56-cloud-amd64
	dir     string
}

func (k kernel) file() string    { return filepath.Join(k.dir, "kernel") }
func (k kernel) modules() string { return filepath.Join(k.dir, "lib/modules", k.version) }

func (s *Store) kernelDir(a architecture) string { return filepath.Join(s.dir, "kernels", a.debian) }

// kernelOf finds the kernel that an image is started with: the one whose
// modules it holds, or any of the cloud flavour.
func (s *Store) kernelOf(ctx context.Context, i Image, a architecture) (kernel, error) {
	if i.Kernel != "" {
		if k, ok := s.storedKernel(a, i.Kernel); ok {
			return k, nil
		}
		return s.fetchKernel(ctx, a, kernelSuite, "linux-image-"+i.Kernel)
	}
	entries, _ := os.ReadDir(s.kernelDir(a)) // none: fetched below
	slices.Reverse(entries)
	for _, e := range entries {
		if k, ok := s.storedKernel(a, e.Name()); ok && strings.Contains(k.version, "-cloud-") == strings.Contains(a.cloud, "-cloud-") {
			return k, nil
		}
	}
	return s.fetchKernel(ctx, a, kernelSuite, a.cloud)
}

// kernelFor brings the kernel whose modules a recipe asks for. An image without
// any runs with whatever kernel there is.
func (s *Store) kernelFor(ctx context.Context, r *Recipe) (kernel, error) {
	if r.Kernel == "" && len(r.Modules) == 0 {
		return kernel{}, nil
	}
	return s.fetchKernel(ctx, r.arch(), r.Base, r.arch().kernelPackage(r.Kernel))
}

var versionForm = regexp.MustCompile(`^[0-9][A-Za-z0-9.+~-]*$`)

func (s *Store) storedKernel(a architecture, version string) (kernel, bool) {
	k := kernel{arch: a, version: version, dir: filepath.Join(s.kernelDir(a), version)}
	if !versionForm.MatchString(version) {
		return k, false
	}
	_, err := os.Stat(k.file())
	return k, err == nil
}

// lockKernels keeps other processes from the kernels of one architecture, and
// from the private apt beside them.
func (s *Store) lockKernels(ctx context.Context, a architecture) (unlock func(), err error) {
	if err := os.MkdirAll(s.kernelDir(a), 0o755); err != nil {
		return nil, err
	}
	return lockFile(ctx, filepath.Join(s.kernelDir(a), "lock"))
}

// fetchKernel brings a kernel package of a suite, or the one that it stands
// for, from the archive that this machine uses into the store. It asks the
// archive anew each time, so that a build gets the newest kernel, and loads
// only what is not there yet.
func (s *Store) fetchKernel(ctx context.Context, a architecture, suite, name string) (k kernel, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("fetch Debian's kernel for %s (%s): %w", a.name, name, err)
		}
	}()
	unlock, err := s.lockKernels(ctx, a)
	if err != nil {
		return k, err
	}
	defer unlock()
	apt, err := newArchive(ctx, filepath.Join(s.kernelDir(a), "apt"), a, suite)
	if err != nil {
		return k, err
	}
	if name, err = apt.standsFor(ctx, name); err != nil {
		return k, err
	}
	version := strings.TrimPrefix(name, "linux-image-")
	if k, ok := s.storedKernel(a, version); ok {
		return k, nil
	}
	work, err := os.MkdirTemp(s.kernelDir(a), ".new-")
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := apt.unpack(ctx, name, work); err != nil {
		return k, err
	}
	return s.keepKernel(ctx, a, version, work)
}

// keepKernel turns an unpacked package into the store's form of a kernel.
func (s *Store) keepKernel(ctx context.Context, a architecture, version, work string) (kernel, error) {
	packed, err := os.ReadFile(filepath.Join(work, "boot", "vmlinuz-"+version))
	if err != nil {
		return kernel{}, err
	}
	if a.name == "x86_64" {
		// What cannot be unpacked here unpacks itself, only more slowly.
		if plain, err := unpackKernel(packed); err == nil {
			packed = plain
		}
	}
	if err := os.WriteFile(filepath.Join(work, "kernel"), packed, 0o644); err != nil {
		return kernel{}, err
	}
	for _, unused := range []string{"boot", "usr"} {
		if err := os.RemoveAll(filepath.Join(work, unused)); err != nil {
			return kernel{}, err
		}
	}
	if err := depmod(ctx, work, version); err != nil {
		return kernel{}, err
	}
	if err := os.Chmod(work, 0o755); err != nil {
		return kernel{}, err
	}
	k, _ := s.storedKernel(a, version)
	if err := os.RemoveAll(k.dir); err != nil { // without a kernel in it
		return kernel{}, err
	}
	return k, os.Rename(work, k.dir)
}

// depmod works out which modules need which, below dir/lib/modules/version.
func depmod(ctx context.Context, dir, version string) error {
	cmd := exec.CommandContext(ctx, "depmod", "-b", dir, version)
	cmd.Env = append(os.Environ(), "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	cmd.Path, _ = lookTool("depmod")
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("depmod (apt-get install kmod): %w\n%s", err, out)
	}
	return nil
}

// lookTool finds a tool where only root's PATH leads, too.
func lookTool(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return exec.LookPath(filepath.Join("/usr/sbin", name))
}
