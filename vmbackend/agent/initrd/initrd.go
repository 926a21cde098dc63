// Package initrd writes the initial RAM file system that boots a guest: the
// agent as /init, the few device nodes it needs before it has mounted any, the
// kernel modules that it loads before it looks for the root disk, and the
// toolbox of checks, packed.
package initrd

import (
	"bytes"
	"fmt"
	"io"
)

// File modes and types of stat(2).
const (
	modeDir    = 0o040755
	modeDevice = 0o020600
	modeExec   = 0o100755
	modeFile   = 0o100644
)

type entry struct {
	name         string
	mode         uint32
	major, minor uint32
	data         []byte
}

// Module is a kernel module. Its name ends in .ko, or in the way it is packed.
type Module struct {
	Name string
	Data []byte
}

// ModulesDir is where modules lie; the agent loads them in the names' order.
const ModulesDir = "/modules"

// ToolboxPath is where the toolbox lies until the agent has opened it.
const ToolboxPath = "/toolbox"

// Write writes an uncompressed cpio archive ("newc", see the kernel's
// initramfs-buffer-format) that holds agent, a static binary, as /init, toolbox
// (nil for none), a gzipped tar, and modules, each after those that it needs.
// The same content gives the same bytes.
func Write(w io.Writer, agent, toolbox []byte, modules ...Module) error {
	entries := []entry{
		{name: "dev", mode: modeDir},
		{name: "dev/console", mode: modeDevice, major: 5, minor: 1},
		{name: "dev/null", mode: modeDevice | 0o066, major: 1, minor: 3},
		{name: "proc", mode: modeDir},
		{name: "sys", mode: modeDir},
		{name: "root", mode: modeDir},
		{name: "init", mode: modeExec, data: agent},
		{name: ModulesDir[1:], mode: modeDir},
	}
	for i, m := range modules {
		entries = append(entries, entry{name: fmt.Sprintf("%s/%03d-%s", ModulesDir[1:], i, m.Name), mode: modeFile, data: m.Data})
	}
	if toolbox != nil {
		entries = append(entries, entry{name: ToolboxPath[1:], mode: modeFile, data: toolbox})
	}
	entries = append(entries, entry{name: "TRAILER!!!"})
	for i, e := range entries {
		if err := e.write(w, i+1); err != nil {
			return fmt.Errorf("initrd: %s: %w", e.name, err)
		}
	}
	return nil
}

// write writes header, name and data, each padded to 4 bytes.
func (e entry) write(w io.Writer, inode int) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		inode, e.mode, 0, 0, 1, 0, len(e.data), 0, 0, e.major, e.minor, len(e.name)+1, 0)
	b.WriteString(e.name)
	b.WriteByte(0)
	pad(&b)
	b.Write(e.data)
	pad(&b)
	_, err := w.Write(b.Bytes())
	return err
}

func pad(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}
