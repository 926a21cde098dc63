package server

import (
	"context"
	"fmt"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/publish"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/server/web"
)

// noteVersions keeps what is served now, so that what authors change later can
// be told.
func noteVersions(ctx context.Context, db *store.Store, courses []*content.Course, p *publish.Publisher) error {
	commits := map[string]string{}
	if p != nil {
		for _, s := range p.Statuses() {
			commits[s.Course.ID] = s.Commit
		}
	}
	for _, c := range courses {
		if err := publish.Note(ctx, db, c, commits[c.ID]); err != nil {
			return fmt.Errorf("note the version of course %s: %w", c.ID, err)
		}
	}
	return nil
}

// previewed shows an author what was saved; course is nil where that has errors.
func (s *Server) previewed(course *content.Course) {
	if course != nil {
		s.catalog.Replace(course)
	}
	s.hub.Everybody(web.CourseNews(s.cfg.Preview))
	if course != nil {
		s.coursesChanged()
	}
}
