package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// manyGuests run at once in twenty.
const manyGuests = 20

// twenty starts many clones at once and weighs them, without and with the
// kernel's merging of equal pages, beside as many User-Mode Linux guests.
func (b *bench) twenty(ctx context.Context, v *virtual) error {
	name := fmt.Sprintf("libvirt: %d guests at once: ", manyGuests)
	alone := b.result("libvirt: clone of a saved machine to first command").Value
	ksm, err := newKSM()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: guests' memory is not merged:", err)
	} else {
		defer ksm.restore()
	}
	booted, _, err := b.startAll(ctx, v.clones, "many-v")
	if err != nil {
		return err
	}
	b.add(Result{Name: name + "start, for each", Unit: "s", Value: booted.Seconds() / manyGuests, Reference: alone,
		Ratio: booted.Seconds() / manyGuests / alone, Against: "a guest started alone"})
	plain, err := v.memory()
	if err != nil {
		return err
	}
	merged := 0.0
	if ksm != nil {
		if err := ksm.merge(ctx); err != nil {
			return err
		}
		if merged, err = v.memory(); err != nil {
			return err
		}
	}
	if err := destroyAll(ctx, v.clones); err != nil {
		return err
	}
	_, others, err := b.startAll(ctx, b.backend, "many-u")
	if err != nil {
		return err
	}
	uml, err := memoryByStats(ctx, b.backend, others)
	if err != nil {
		return err
	}
	b.add(Result{Name: name + "memory (PSS), for each", Unit: "MB", Value: plain, Reference: uml, Ratio: plain / uml,
		Against: fmt.Sprintf("%d User-Mode Linux guests with as much RAM", manyGuests)})
	if merged > 0 {
		b.add(Result{Name: name + "memory with merged pages (KSM), for each", Unit: "MB", Value: merged, Reference: plain,
			Ratio: merged / plain, Goal: 1, Against: "the same guests before"})
	}
	return destroyAll(ctx, b.backend)
}

// startAll starts manyGuests and runs a command in each.
func (b *bench) startAll(ctx context.Context, back vmbackend.Backend, prefix string) (time.Duration, []person, error) {
	people := make([]person, manyGuests)
	for i := range people {
		var err error
		if people[i], err = b.person(fmt.Sprintf("%s-%d", prefix, i)); err != nil {
			return 0, nil, err
		}
	}
	took, err := timed(func() error {
		return together(people, runtime.NumCPU(), func(_ int, p person) error {
			if err := create(ctx, back, p); err != nil {
				return err
			}
			return p.command(ctx, back, "true")
		})
	})
	return took, people, err
}

func memoryByStats(ctx context.Context, back vmbackend.Backend, people []person) (megabytes float64, err error) {
	for _, p := range people {
		s, err := back.Stats(ctx, p.spec.ID)
		if err != nil {
			return 0, err
		}
		megabytes += float64(s.Memory) / 1e6
	}
	return megabytes / float64(len(people)), nil
}

// memory is the mean proportional set size of the node's QEMUs, in megabytes.
func (v *virtual) memory() (float64, error) {
	files, err := filepath.Glob(filepath.Join(v.dir, "r", "libvirt", "qemu", "run", "*.pid"))
	if err != nil || len(files) == 0 {
		return 0, errors.Join(err, errors.New("no QEMU is running"))
	}
	total, count := 0.0, 0
	for _, file := range files {
		pid, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		kilobytes, err := proportional(strings.TrimSpace(string(pid)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the pid file of a machine that has ended
		}
		if err != nil {
			return 0, err
		}
		total, count = total+float64(kilobytes)*1024/1e6, count+1
	}
	return total / float64(max(count, 1)), nil
}

// proportional is a process's Pss in kilobytes, see proc_pid_smaps_rollup(5).
func proportional(pid string) (int64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "smaps_rollup"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "Pss:"); ok {
			return strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		}
	}
	return 0, fmt.Errorf("process %s tells no Pss", pid)
}

// ksm is kernel samepage merging, as it was before the measurement.
type ksm map[string]string

const ksmDir = "/sys/kernel/mm/ksm"

// newKSM remembers the settings and switches merging off, also of what is
// merged already.
func newKSM() (ksm, error) {
	k := ksm{}
	for _, name := range []string{"pages_to_scan", "sleep_millisecs", "run"} {
		text, err := os.ReadFile(filepath.Join(ksmDir, name))
		if err != nil {
			return nil, err
		}
		k[name] = strings.TrimSpace(string(text))
	}
	return k, k.set("run", "2")
}

func (k ksm) set(name, value string) error {
	return os.WriteFile(filepath.Join(ksmDir, name), []byte(value), 0)
}

func (k ksm) restore() {
	for name, value := range k {
		if err := k.set(name, value); err != nil {
			fmt.Fprintln(os.Stderr, "bench: set back "+name+" of KSM:", err)
		}
	}
}

// merge lets the kernel look for equal pages until it has been through all of
// them three times, a minute at most.
func (k ksm) merge(ctx context.Context) error {
	err := errors.Join(k.set("pages_to_scan", "20000"), k.set("sleep_millisecs", "20"), k.set("run", "1"))
	if err != nil {
		return err
	}
	const rounds = 3
	scans := func() int {
		text, _ := os.ReadFile(filepath.Join(ksmDir, "full_scans"))
		n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		return n
	}
	for first, begun := scans(), time.Now(); scans() < first+rounds && time.Since(begun) < time.Minute; {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}
