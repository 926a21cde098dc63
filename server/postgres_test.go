package server

import (
	"regexp"
	"testing"

	"github.com/labmark/labmark/lti/ltitest"
	"github.com/labmark/labmark/server/store/storetest"
)

// The whole server on PostgreSQL: a launch, a guest, a check, a grade; and all
// of it again after a restart.
func TestServerOnPostgreSQL(t *testing.T) {
	db, err := storetest.Start()
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(db.Stop)
	if err := db.Create("labmark"); err != nil {
		t.Fatal(err)
	}
	onIt := func(c *Config) { c.Database = db.URL("labmark") }
	passed := regexp.MustCompile(`id="grade-lamp"[^>]*data-state="pass"`)
	var ada *browser
	t.Run("launch and check", func(t *testing.T) {
		b := mustServe(t, ltitest.Moodle, onIt)
		ada = b.browser()
		ada.launch(b.as("ada"))
		ada.work("one", "first")
		b.shown("ada", 10)
	})
	t.Run("another gateway afterwards", func(t *testing.T) {
		b := mustServe(t, ltitest.Moodle, onIt)
		again := &browser{bed: b, http: ada.http, at: ada.at}
		until(t, "the student's page to say so", func() bool {
			_, body := again.get("/courses/linux/one")
			return passed.MatchString(body)
		})
	})
}
