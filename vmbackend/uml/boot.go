package uml

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestlink"
	"github.com/labmark/labmark/vmbackend/jail"
	"github.com/labmark/labmark/vmbackend/uml/shim"
)

// Paths inside the jail.
const (
	jailedKernel = "/boot/linux"
	jailedInitrd = "/boot/initrd"
)

// launch starts a supervisor for the guest and follows it.
func (b *Backend) launch(ctx context.Context, g *guest, r record) error {
	base, err := b.cfg.Images.ByDigest(r.Image)
	if err != nil {
		return err
	}
	started := filepath.Join(b.folder(g.id), startFile)
	if err := os.WriteFile(started, nil, 0o600); err != nil {
		return err
	}
	gone, err := shim.Launch(ctx, b.parts.shim, b.folder(g.id), b.shimConfig(r, base.Path, base.Size))
	if err != nil {
		return err
	}
	err = b.follow(ctx, g)
	if err == nil {
		return nil
	}
	select {
	case <-gone:
		return b.startFailure(g.id, "its supervisor ended at once: "+b.tail(g.id, shim.LogFile))
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(time.Second): // it hung up, so it is about to be gone
		return err
	}
}

func (b *Backend) shimConfig(r record, base string, size int64) shim.Config {
	memory := r.Memory
	if memory == 0 {
		memory = b.cfg.Memory
	}
	hostname := r.Hostname
	if hostname == "" {
		hostname = r.ID
	}
	mirror := ""
	if slices.Contains(r.Open, vmbackend.OpenMirror) {
		mirror = b.cfg.Mirror
	}
	return shim.Config{
		StartTimeout: b.cfg.StartTimeout, Mirror: mirror, Guest: r.ID,
		Cards: r.Cards, Networks: networksOf(b.cfg.Dir),
		Personal: guestlink.Personal{
			Hostname: hostname, HostKey: r.HostKey, AuthorizedKey: r.AuthorizedKey,
			Networks: shim.Networks(r.Cards), Hosts: hosts(r.Hosts),
		},
		Jail: jail.Spec{
			Path: jailedKernel, Args: commandLine(memory, r.Cards),
			Env: []string{"TMPDIR=/tmp", "HOME=/tmp"},
			Mounts: append([]jail.Mount{
				{Source: b.parts.kernel, Target: jailedKernel},
				{Source: b.parts.initrd, Target: jailedInitrd},
				{Source: base, Target: jailedBase},
				{Source: filepath.Join(b.folder(r.ID), diskFile), Target: jailedDisk, Writable: true},
			}, b.parts.libraries...),
			Scratch: memory + scratchSpare, HostID: r.HostID, FixedAddresses: true,
			Limits: jail.Limits{
				FileSize:  uint64(max(diskLimit(size), memory) + scratchSpare),
				OpenFiles: 1024,
				Processes: 4096,
			},
		},
	}
}

// scratchSpare is room beside the guest's memory in the jail's /tmp.
const scratchSpare = 4 << 20

// commandLine is the kernel's. Nothing on it, and nothing in the jail, lets a
// guest add a device later: the management console needs a socket, which the
// jail refuses to make.
func commandLine(memory int64, cards []vmbackend.Card) []string {
	return slices.Concat([]string{
		"linux",
		"mem=" + strconv.FormatInt(memory>>10, 10) + "K",
		"initrd=" + jailedInitrd,
		"ubd0=" + jailedDisk + "," + jailedBase,
		"root=/dev/ubda",
		"con=null", "con0=null,fd:1",
		"ssl=null", "ssl0=fd:3",
		"seccomp=auto", // the faster way to run programs, where the kernel has it
		"panic=-1",
		"quiet",
	}, shim.NetworkArguments(cards))
}

func hosts(names []vmbackend.HostName) []guestlink.HostName {
	var out []guestlink.HostName
	for _, h := range names {
		out = append(out, guestlink.HostName(h))
	}
	return out
}

// startFailure says why a guest did not start, with what its kernel said last.
func (b *Backend) startFailure(id, reason string) error {
	return fmt.Errorf("%s\nThe last of its console (%s):\n%s\nReset the guest; if that does not help, build its image again (labmark image build)",
		reason, filepath.Join(b.folder(id), shim.ConsoleFile), b.tail(id, shim.ConsoleFile))
}

// tail returns the last lines of one of the guest's files.
func (b *Backend) tail(id, name string) string {
	const lines = 10
	content, err := os.ReadFile(filepath.Join(b.folder(id), name))
	if err != nil {
		return err.Error()
	}
	all := strings.Split(string(bytes.TrimSpace(content)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
