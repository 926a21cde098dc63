package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/labmark/labmark/lti/ltitest"
)

// Boards and alerts go by these names.
var stableNames = []string{
	"labmark_guests", "labmark_queue_length", "labmark_queue_oldest_seconds", "labmark_attempts_running", "labmark_outbox_grades",
	"labmark_outbox_oldest_seconds", "labmark_audit_dropped_total", "labmark_figures_complete", "labmark_node_up", "labmark_node_guests",
	"labmark_http_request_duration_seconds_bucket", "labmark_check_duration_seconds_bucket", "labmark_guest_wait_seconds_bucket",
	"labmark_database_duration_seconds_bucket", "labmark_launches_total", "labmark_logins_total", "labmark_streams",
	"labmark_build_info", "go_goroutines", "process_open_fds",
}

func TestFiguresTellWhatHasHappened(t *testing.T) {
	b := mustServe(t, ltitest.Moodle, func(c *Config) { c.Version, c.MetricsToken = "9.9", "let-me-see" })
	ann := b.browser()
	ann.mustLaunch(b.as("ada"))
	ann.work("one", "first")
	figures := func() string {
		answer, body := b.browser().get("/metrics")
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("/metrics: %s\n%s", answer.Status, body)
		}
		return body
	}
	for _, want := range []string{`labmark_launches_total{outcome="ok"} 1`, `labmark_check_duration_seconds_count{verdict="pass"} 1`,
		`labmark_guest_wait_seconds_count{outcome="ok"} 1`, `mode="assigned"`, `labmark_build_info{go="`, `labmark_figures_complete 1`,
		`route="/api/courses/:course/:tutorial/checks/:check"`} {
		until(t, want, func() bool { return strings.Contains(figures(), want) })
	}
	body := figures()
	if strings.Contains(body, "/at/") {
		t.Error("figures tell addresses of sessions")
	}
	for _, name := range stableNames {
		if strings.HasPrefix(name, "labmark_node_") || name == "labmark_streams" {
			continue // none here
		}
		if !strings.Contains(body, "\n"+name) {
			t.Errorf("there is no figure %s", name)
		}
	}
}

func TestFiguresAreNotForEverybody(t *testing.T) {
	b := mustServe(t, ltitest.Moodle, func(c *Config) { c.MetricsToken = "let-me-see" })
	for name, c := range map[string]struct {
		header []string
		want   int
	}{
		"a proxy's":                {[]string{"X-Forwarded-For", "192.0.2.1"}, http.StatusForbidden},
		"a proxy's, wrong token":   {[]string{"X-Forwarded-For", "192.0.2.1", "Authorization", "Bearer let-me"}, http.StatusForbidden},
		"a proxy's, with no token": {[]string{"X-Forwarded-For", "192.0.2.1", "Authorization", "Bearer "}, http.StatusForbidden},
		"a proxy's, with token":    {[]string{"X-Forwarded-For", "192.0.2.1", "Authorization", "Bearer let-me-see"}, http.StatusOK},
	} {
		if answer, _ := b.browser().do(http.MethodGet, "/metrics", nil, c.header...); answer.StatusCode != c.want {
			t.Errorf("%s request: %s, want %d", name, answer.Status, c.want)
		}
	}
}
