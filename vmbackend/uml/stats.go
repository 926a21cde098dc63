package uml

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// Stats sums over the guest's supervisor and all processes of its kernel.
func (b *Backend) Stats(ctx context.Context, id string) (vmbackend.Stats, error) {
	var s vmbackend.Stats
	if err := b.exists(id); err != nil {
		return s, err
	}
	g, err := b.handle(id)
	if err != nil {
		return s, err
	}
	err = b.glance(ctx, g)
	if err != nil && !errors.Is(err, errNotRunning) {
		return s, fmt.Errorf("measure guest %s: %w", id, err)
	}
	now := g.now()
	if !now.alive() {
		return s, fmt.Errorf("measure guest %s: it does not run: %w", id, vmbackend.ErrWrongState)
	}
	for _, pid := range descendants(now.Shim) {
		if ctx.Err() != nil {
			return s, fmt.Errorf("measure guest %s: %w", id, context.Cause(ctx))
		}
		memory, err := proportionalSize(pid)
		if err != nil {
			continue // it ended a moment ago
		}
		s.Memory += memory
		s.CPU += processorTime(pid)
	}
	if s.Disk, err = occupied(b.folder(id)); err != nil {
		return s, fmt.Errorf("measure guest %s: %w", id, err)
	}
	return s, nil
}

// descendants returns a process and all below it.
func descendants(pid int) []int {
	pids := []int{pid}
	for i := 0; i < len(pids); i++ {
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pids[i]))
		for _, list := range lists {
			content, _ := os.ReadFile(list)
			for _, child := range strings.Fields(string(content)) {
				if n, err := strconv.Atoi(child); err == nil {
					pids = append(pids, n)
				}
			}
		}
	}
	return pids
}

// proportionalSize is a process's Pss in bytes (proc_pid_smaps_rollup(5)).
func proportionalSize(pid int) (int64, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(content)) {
		if value, ok := strings.CutPrefix(line, "Pss:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, errors.New("no Pss")
}

// clockTick is the unit of times in /proc/PID/stat; Linux shows 100 a second
// on all machines that User-Mode Linux knows.
const clockTick = 10 * time.Millisecond

// processorTime is what a process and its ended children have used
// (proc_pid_stat(5), utime to cstime).
func processorTime(pid int) time.Duration {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The second field, a name in brackets, may hold anything.
	fields := bytes.Fields(content[bytes.LastIndexByte(content, ')')+1:])
	const utime, cstime = 14 - 3, 17 - 3
	var ticks int64
	for i := utime; i <= cstime && i < len(fields); i++ {
		n, _ := strconv.ParseInt(string(fields[i]), 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * clockTick
}

// occupied is what a folder takes on disk, in bytes.
func occupied(folder string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			sum += stat.Blocks * 512
		}
		return nil
	})
	return sum, err
}
