package web

import (
	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/setup"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

// unprepared are the students whose present machines lack what the exercise
// wants to be there.
func (s *site) unprepared(c *gin.Context, b *subject, rows []themes.RowView) ([]themes.Crumb, error) {
	if len(b.tutorial.Setups) == 0 {
		return nil, nil
	}
	runs, err := s.Store.SetupRuns(c.Request.Context(), b.of(0), false)
	if err != nil {
		return nil, err
	}
	present := map[uint]map[string]bool{}
	failed := setup.Failed(b.tutorial, runs, func(r store.SetupRun) bool {
		if present[r.UserID] == nil {
			present[r.UserID] = map[string]bool{}
			for _, h := range s.Guests.Handles(b.of(r.UserID)) {
				present[r.UserID][h.ID] = true
			}
		}
		return present[r.UserID][r.GuestID]
	})
	lacking := map[string]bool{}
	for _, r := range failed {
		lacking[userName(r.UserID)] = true
	}
	var out []themes.Crumb
	for _, row := range rows {
		if lacking[row.User] {
			out = append(out, themes.Crumb{Title: row.Name, Href: row.Href + "#setups"})
		}
	}
	return out, nil
}
