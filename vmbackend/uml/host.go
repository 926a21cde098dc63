package uml

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

var _ vmbackend.Host = (*Backend)(nil)

// Host measures this machine, from proc(5).
func (b *Backend) Host(ctx context.Context) (vmbackend.HostStats, error) {
	if b.life.Err() != nil {
		return vmbackend.HostStats{}, errClosed
	}
	s := vmbackend.HostStats{CPUs: runtime.NumCPU()}
	var err error
	if s.Memory, s.MemoryFree, err = memory(); err != nil {
		return s, err
	}
	if s.Busy, err = b.meter.busy(); err != nil {
		return s, err
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(b.cfg.Dir, &fs); err != nil {
		return s, fmt.Errorf("free space of %s: %w", b.cfg.Dir, err)
	}
	s.DiskFree = int64(fs.Bavail) * fs.Bsize
	return s, context.Cause(ctx)
}

// What guests need at least beside what others use, in bytes: below it the
// machine works, but only for a few.
const (
	littleMemory = 512 << 20
	littleDisk   = 1 << 30
)

// Examine implements vmbackend.Host. That guests can be started at all New has
// seen to.
func (b *Backend) Examine(ctx context.Context) []vmbackend.Finding {
	kernel := vmbackend.Finding{Subject: "kernel", Level: vmbackend.Good, Text: b.Kernel()}
	if b.Kernel() == debianKernel {
		kernel.Level, kernel.Text = vmbackend.Fair, "Debian's, which is slow"
		kernel.Mend = "labmark image kernel builds the fast one, once, in some ten minutes"
	}
	s, err := b.Host(ctx)
	if err == nil {
		select { // how busy it is shows only between two looks
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
		s, err = b.Host(ctx)
	}
	if err != nil {
		return []vmbackend.Finding{kernel, {Subject: "machine", Level: vmbackend.Bad, Text: err.Error(), Mend: "mount /proc, and look at the data folder"}}
	}
	return []vmbackend.Finding{kernel,
		enough("memory", s.MemoryFree, littleMemory, "end other programs, or add memory: a guest uses 20 to 130 MB"),
		enough("disk", s.DiskFree, littleDisk, "make room in "+b.cfg.Dir),
		{Subject: "processors", Level: vmbackend.Good, Text: fmt.Sprintf("%d, busy for %.0f %%", s.CPUs, 100*s.Busy)}}
}

func enough(subject string, free, little int64, mend string) vmbackend.Finding {
	f := vmbackend.Finding{Subject: subject, Level: vmbackend.Good, Text: fmt.Sprintf("%d MB are free", free>>20)}
	if free < little {
		f.Level, f.Mend = vmbackend.Fair, mend
	}
	return f
}

// memory is what the machine has and what is free, in bytes.
func memory() (total, free int64, err error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kb, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "MemTotal:":
			total = kb << 10
		case "MemAvailable:":
			free = kb << 10
		}
	}
	if total == 0 {
		return 0, 0, fmt.Errorf("/proc/meminfo tells no MemTotal")
	}
	return total, free, nil
}

// meter tells how busy the processors were since it was read last.
type meter struct {
	mu          sync.Mutex
	total, idle uint64
	last        float64
}

func (m *meter) busy() (float64, error) {
	file, err := os.Open("/proc/stat")
	if err != nil {
		return 0, err
	}
	defer file.Close()
	scan := bufio.NewScanner(file)
	scan.Scan() // its first line sums up all processors
	var total, idle uint64
	for i, word := range strings.Fields(scan.Text()) {
		n, err := strconv.ParseUint(word, 10, 64)
		if i == 0 || i > 8 { // what guests of KVM use is counted before
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %w", err)
		}
		total += n
		if i == 4 || i == 5 { // idle, waiting for the disk
			idle += n
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if all := total - m.total; m.total > 0 && all > 0 {
		m.last = 1 - float64(idle-m.idle)/float64(all)
	}
	m.total, m.idle = total, idle
	return min(max(m.last, 0), 1), nil
}
