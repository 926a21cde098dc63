package outbox

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
)

const (
	benchMarks    = 100 // a turn
	benchParallel = 8
)

// class is an outbox whose platform says yes to all.
type class struct {
	*bed
	srv     *httptest.Server
	arrived chan struct{}
	mu      sync.Mutex
	turn    int
}

func mustClass(b *testing.B) *class {
	b.Helper()
	c := &class{bed: mustBed(b, benchMarks), arrived: make(chan struct{}, benchMarks)}
	c.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/token" {
			fmt.Fprint(w, `{"access_token":"a","expires_in":3600}`)
		}
	}))
	if err := c.store.SetLineItem(b.Context(), c.link.ID, c.srv.URL+"/item", 0); err != nil {
		b.Fatal(err)
	}
	keys, _ := lti.Rotate(nil, time.Now().Add(-time.Hour))
	platform := lti.Platform{ID: c.platform.ID, TokenURL: c.srv.URL + "/token"}
	c.Outbox = New(Config{Store: c.store, Parallel: benchParallel, Pace: -1, Log: slog.New(slog.DiscardHandler), Now: c.now,
		Client:   &lti.Client{HTTP: c.http(), Keys: func(context.Context) ([]lti.Key, error) { return keys, nil }},
		Platform: func(context.Context, uint) (lti.Platform, error) { return platform, nil },
		Grade: func(context.Context, store.ResourceLink, uint) (progress.Grade, error) {
			return progress.Grade{Given: float64(c.now().Unix() % 1000), Maximum: 1000, Comment: "3 of 4 checks passed", At: time.Now()}, nil
		},
		Changed: func(uint, uint) { c.arrived <- struct{}{} }})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { c.Run(ctx); close(done) }()
	b.Cleanup(func() { cancel(); <-done; c.srv.Close(); c.store.Close() })
	return c
}

func (c *class) http() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: benchParallel}}
}

// now jumps from turn to turn: the timestamps of a grade are a second apart.
func (c *class) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(time.Duration(c.turn) * 2 * time.Second)
}

// sent is how long the outbox takes for everybody's grade, once they changed.
func (c *class) sent() time.Duration {
	c.mu.Lock()
	c.turn++
	c.mu.Unlock()
	for n := range benchMarks {
		c.attempt(fmt.Sprintf("s%d", n+1))
	}
	begun := time.Now()
	c.Kick()
	for range benchMarks {
		<-c.arrived
	}
	return time.Since(begun)
}

// posted is how long as many bare requests take, by as many connections.
func (c *class) posted(client *http.Client) time.Duration {
	begun := time.Now()
	var all sync.WaitGroup
	for range benchParallel {
		all.Go(func() {
			for range benchMarks / benchParallel {
				resp, err := client.Post(c.srv.URL+"/item/scores", "application/vnd.ims.lis.v1.score+json",
					strings.NewReader(`{"userId":"5","scoreGiven":7,"scoreMaximum":10,"timestamp":"2026-11-22T09:00:00.000Z"}`))
				if err != nil {
					c.t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	all.Wait()
	return time.Since(begun) * benchMarks / (benchMarks / benchParallel * benchParallel)
}

// BenchmarkOutboxRatio sends a class's grades, in turns with bare posts of the
// same size, and reports the medians of one grade, of one post, and of the
// ratios of neighbouring turns.
func BenchmarkOutboxRatio(b *testing.B) {
	c := mustClass(b)
	client := c.http()
	c.sent()
	c.posted(client)
	var outbox, bare, ratios []float64
	for b.Loop() {
		o, p := c.sent().Seconds()/benchMarks, c.posted(client).Seconds()/benchMarks
		outbox, bare, ratios = append(outbox, o), append(bare, p), append(ratios, o/p)
	}
	client.CloseIdleConnections()
	median := func(x []float64) float64 { slices.Sort(x); return x[len(x)/2] }
	b.ReportMetric(1e9*median(outbox), "mark-ns")
	b.ReportMetric(1e9*median(bare), "post-ns")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(1/median(outbox), "marks/s")
}
