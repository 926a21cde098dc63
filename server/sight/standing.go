package sight

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend/nodes"
)

// standing gives out the figures of the moment, when they are asked for.
type standing struct{ *Meter }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("labmark_"+name, help, labels, nil)
}

var (
	guestsDesc    = desc("guests", "Guests in the assignment table.", "mode", "image", "node")
	poolDesc      = desc("pool_wanted", "Guests that are to wait ready, by image.", "image")
	queueDesc     = desc("queue_length", "Students who wait for a guest in the queue.")
	queueAgeDesc  = desc("queue_oldest_seconds", "How long the first in the queue has waited; 0 where nobody waits.")
	runningDesc   = desc("attempts_running", "Attempts that are under way.")
	outboxDesc    = desc("outbox_grades", "Grades that have not reached their platform.", "state")
	outboxAgeDesc = desc("outbox_oldest_seconds", "Age of the oldest grade that waits; 0 where none does.")
	mendsDesc     = desc("mends_total", "What was mended by itself.", "what")
	droppedDesc   = desc("audit_dropped_total", "Entries of the audit that were lost under overload.")
	readDesc      = desc("figures_complete", "1 where all that was asked has answered in time, 0 where some figures are missing.")
	nodeStateDesc = desc("node_up", "1 where the node answers and takes guests, 0 otherwise.", "node", "state", "wanted")
	nodeGuestDesc = desc("node_guests", "Guests on the node.", "node")
	nodeRoomDesc  = desc("node_capacity", "Guests that the node may have at most; 0 is as many as fit.", "node")
	nodeMemDesc   = desc("node_memory_bytes", "Memory of the node.", "node")
	nodeFreeDesc  = desc("node_memory_free_bytes", "Memory of the node that is free.", "node")
	nodeDiskDesc  = desc("node_disk_free_bytes", "Room for disks of guests on the node.", "node")
	nodeBusyDesc  = desc("node_busy_ratio", "Share of the node's processors that is in use.", "node")
)

// Describe names all of them (prometheus.Collector).
func (s *standing) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{guestsDesc, poolDesc, queueDesc, queueAgeDesc, runningDesc, outboxDesc, outboxAgeDesc, mendsDesc, droppedDesc,
		readDesc, nodeStateDesc, nodeGuestDesc, nodeRoomDesc, nodeMemDesc, nodeFreeDesc, nodeDiskDesc, nodeBusyDesc} {
		ch <- d
	}
}

// Collect reads them (prometheus.Collector).
func (s *standing) Collect(ch chan<- prometheus.Metric) {
	f, err := s.Figures(context.Background())
	if err != nil {
		s.log.Warn("some figures are missing", "err", err)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(readDesc, number(err == nil))
	for k, n := range f.Guests {
		gauge(guestsDesc, float64(n), string(k.Mode), short(k.Image), k.Node)
	}
	for image, n := range byShort(f.Pool) {
		gauge(poolDesc, float64(n), image)
	}
	gauge(queueDesc, float64(f.Queue))
	gauge(queueAgeDesc, age(f.At, f.QueueFirst))
	gauge(runningDesc, float64(f.Running))
	gauge(outboxDesc, float64(f.Outbox.Waiting), store.OutboxWaiting)
	gauge(outboxDesc, float64(f.Outbox.Refused), store.OutboxRefused)
	gauge(outboxAgeDesc, age(f.At, f.Outbox.Oldest))
	for what, n := range f.Mends {
		count(mendsDesc, n, what)
	}
	count(droppedDesc, f.Dropped)
	for _, n := range f.Nodes {
		gauge(nodeStateDesc, number(n.State == nodes.Up && n.Wanted == nodes.WantedUp), n.Name, string(n.State), string(n.Wanted))
		gauge(nodeGuestDesc, float64(n.Guests), n.Name)
		gauge(nodeRoomDesc, float64(n.Capacity), n.Name)
		if n.Host.Memory == 0 {
			continue // it tells nothing of itself
		}
		gauge(nodeMemDesc, float64(n.Host.Memory), n.Name)
		gauge(nodeFreeDesc, float64(n.Host.MemoryFree), n.Name)
		gauge(nodeDiskDesc, float64(n.Host.DiskFree), n.Name)
		gauge(nodeBusyDesc, n.Host.Busy, n.Name)
	}
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// age is in seconds; 0 for no time.
func age(now, since time.Time) float64 {
	if since.IsZero() {
		return 0
	}
	return max(now.Sub(since).Seconds(), 0)
}

// short is an image's digest as people write it.
func short(digest string) string {
	const name = len("sha256:") + 12
	if len(digest) < name {
		return digest
	}
	return digest[name-12 : name]
}

func byShort(pool map[string]int) map[string]int {
	out := map[string]int{}
	for digest, n := range pool {
		out[short(digest)] += n
	}
	return out
}
