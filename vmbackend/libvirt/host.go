package libvirt

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// enoughDisk is how much must be free for a guest to go on that ran out of it.
const enoughDisk = 64 << 20

// Host measures the node.
func (b *Backend) Host(ctx context.Context) (vmbackend.HostStats, error) {
	ctx, cancel := context.WithTimeout(ctx, vmbackend.ProbePatience)
	defer cancel()
	var h vmbackend.HostStats
	f, err := b.facts(ctx)
	if err != nil {
		return h, fmt.Errorf("measure the node: %w", err)
	}
	h.CPUs, h.KVM = f.cpus, f.kvm
	if err := b.measureMemory(ctx, &h); err != nil {
		return h, fmt.Errorf("measure the node: %w", err)
	}
	if h.Busy, err = b.busy(ctx); err != nil {
		return h, fmt.Errorf("measure the node: %w", err)
	}
	h.DiskFree, err = b.diskFree(ctx)
	return h, err
}

func (b *Backend) measureMemory(ctx context.Context, h *vmbackend.HostStats) error {
	values, err := wire.Ask(ctx, b.conn, "ask for the node's memory", func(l *libvirt.Libvirt) (map[string]uint64, error) {
		_, count, err := l.NodeGetMemoryStats(0, int32(libvirt.NodeMemoryStatsAllCells), 0)
		if err != nil {
			return nil, err
		}
		all, _, err := l.NodeGetMemoryStats(count, int32(libvirt.NodeMemoryStatsAllCells), 0)
		values := map[string]uint64{}
		for _, v := range all {
			values[v.Field] = v.Value << 10
		}
		return values, err
	})
	h.Memory = int64(values[libvirt.NodeMemoryStatsTotal])
	for _, field := range []string{libvirt.NodeMemoryStatsFree, libvirt.NodeMemoryStatsBuffers, libvirt.NodeMemoryStatsCached} {
		h.MemoryFree += int64(values[field])
	}
	return err
}

// processorTimes are what all processors together have done since their start.
type processorTimes struct{ idle, all uint64 }

// busy is the share of time since it was last asked.
func (b *Backend) busy(ctx context.Context) (float64, error) {
	now, err := wire.Ask(ctx, b.conn, "ask for the node's load", func(l *libvirt.Libvirt) (processorTimes, error) {
		var t processorTimes
		_, count, err := l.NodeGetCPUStats(int32(libvirt.NodeCPUStatsAllCpus), 0, 0)
		if err != nil {
			return t, err
		}
		all, _, err := l.NodeGetCPUStats(int32(libvirt.NodeCPUStatsAllCpus), count, 0)
		for _, v := range all {
			t.all += v.Value
			if v.Field == libvirt.NodeCPUStatsIdle || v.Field == libvirt.NodeCPUStatsIowait {
				t.idle += v.Value
			}
		}
		return t, err
	})
	if err != nil {
		return 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.times
	b.times = now
	if now.all <= before.all { // no time has passed, or the node has started anew
		return b.lastBusy, nil
	}
	b.lastBusy = 1 - float64(now.idle-before.idle)/float64(now.all-before.all)
	return b.lastBusy, nil
}

// shellPatience is how long the node's shell is waited for where there is
// another way.
const shellPatience = vmbackend.ProbePatience / 2

// diskFree is the room in the pool's file system. libvirt's own number is as
// old as its last look at the whole pool, so the node is asked where it can be.
func (b *Backend) diskFree(ctx context.Context) (int64, error) {
	if _, err := b.pool.Ensure(ctx); err != nil {
		return 0, err
	}
	// The shell may be busy with others' files: that does not make the node ill.
	short, cancel := context.WithTimeout(ctx, shellPatience)
	defer cancel()
	out, err := b.conn.Command(short, nil, `df -B1 --output=avail -- "$1" | tail -n 1`, b.pool.Dir())
	if err == nil {
		return strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	}
	return b.pool.Free(ctx)
}
