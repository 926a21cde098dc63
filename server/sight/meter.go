package sight

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/store"
)

// Meter counts what happens from the start of the gateway on. Its methods may
// be called from any goroutine.
type Meter struct {
	moment   moment
	registry *prometheus.Registry
	log      *slog.Logger

	requests *prometheus.HistogramVec
	streams  *prometheus.GaugeVec
	checks   *prometheus.HistogramVec
	waits    *prometheus.HistogramVec
	database *prometheus.HistogramVec
	launches *prometheus.CounterVec
	logins   *prometheus.CounterVec

	mu      sync.Mutex
	waiting map[store.Owner]time.Time // since when, for a guest
	totals  Totals
}

// Totals are counted since the start.
type Totals struct {
	Launches, Logins, Checks uint64
	// CheckTime is what Checks have taken together.
	CheckTime time.Duration
}

// New returns a Meter without sources. The version is the program's.
func New(version string, log *slog.Logger) *Meter {
	m := &Meter{registry: prometheus.NewRegistry(), log: log, waiting: map[store.Owner]time.Time{}}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(h)
		return h
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	m.requests = histogram("labmark_http_request_duration_seconds", "Time to answer requests, by the route's pattern; streams are left out.",
		[]float64{.005, .02, .05, .1, .25, .5, 1, 2.5, 10}, "method", "route", "code")
	m.checks = histogram("labmark_check_duration_seconds", "Time from an attempt's begin to its outcome, by verdict.",
		[]float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}, "verdict")
	m.waits = histogram("labmark_guest_wait_seconds", "Time from asking for a guest to having it, by how it ended.",
		[]float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800}, "outcome")
	m.database = histogram("labmark_database_duration_seconds", "Time of statements of the database, by their kind.",
		[]float64{.0005, .002, .01, .05, .2, 1, 5}, "kind")
	m.launches = counter("labmark_launches_total", "Launches from learning platforms, by outcome.", "outcome")
	m.logins = counter("labmark_logins_total", "Logins by password, by outcome.", "outcome")
	m.streams = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "labmark_streams", Help: "Open event streams, terminals and desktops of pages."}, []string{"kind"})
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "labmark_build_info", Help: "1; the labels say which labmark this is."}, []string{"version", "go"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(m.streams, build, &standing{m}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	// What has not happened yet is 0, not absent: alerts count on it.
	for _, outcome := range []string{ok, refused} {
		m.launches.WithLabelValues(outcome)
		m.logins.WithLabelValues(outcome)
	}
	return m
}

// Outcomes, as labels.
const (
	ok      = "ok"
	refused = "refused"
)

func outcome(good bool) string {
	if good {
		return ok
	}
	return refused
}

// From says where figures of the moment come from. Call it before Handler and
// Figures are used.
func (m *Meter) From(s Sources) { m.moment.sources = s }

// Handler gives all figures out; it lets everybody see them.
func (m *Meter) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 20 * time.Second})
}

// Figures are those of this moment, or of two seconds ago at most.
func (m *Meter) Figures(ctx context.Context) (Figures, error) { return m.moment.figures(ctx) }

// Totals are those by now.
func (m *Meter) Totals() Totals {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.totals
}

// Request notes that one was answered. The route is its pattern, empty where
// none fitted.
func (m *Meter) Request(method, route string, code int, took time.Duration) {
	if route == "" {
		method, route = "any", "none" // browsers may send what they like
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(code)).Observe(took.Seconds())
}

// Stream notes that a page has opened one, until the function is called.
func (m *Meter) Stream(kind string) (closed func()) {
	g := m.streams.WithLabelValues(kind)
	g.Inc()
	return g.Dec
}

// Launch notes one from a learning platform.
func (m *Meter) Launch(good bool) {
	m.launches.WithLabelValues(outcome(good)).Inc()
	if good {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.totals.Launches++
	}
}

// Login notes one by password.
func (m *Meter) Login(good bool) {
	m.logins.WithLabelValues(outcome(good)).Inc()
	if good {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.totals.Logins++
	}
}

// Attempt notes how one has ended.
func (m *Meter) Attempt(a store.Attempt) {
	if a.State != store.Done || a.EndedAt == nil {
		return
	}
	took := max(a.EndedAt.Sub(a.StartedAt), 0)
	m.checks.WithLabelValues(a.Verdict).Observe(took.Seconds())
	m.mu.Lock()
	defer m.mu.Unlock()
	m.totals.Checks++
	m.totals.CheckTime += took
}

// Guest notes how an owner's guests stand: from when they are asked for until
// they are there somebody waits.
func (m *Meter) Guest(o store.Owner, s guests.Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	since, waits := m.waiting[o]
	switch s.State {
	case guests.Ready, guests.Failed:
		if waits {
			m.waits.WithLabelValues(outcome(s.State == guests.Ready)).Observe(time.Since(since).Seconds())
		}
		delete(m.waiting, o)
	case guests.None, guests.Stopping:
		delete(m.waiting, o)
	default:
		if !waits {
			m.waiting[o] = time.Now()
		}
	}
}

// Statement notes one of the database.
func (m *Meter) Statement(kind string, took time.Duration) {
	m.database.WithLabelValues(kind).Observe(took.Seconds())
}
