package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/events"
	"github.com/labmark/labmark/server/news"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/server/views"
	"github.com/labmark/labmark/themes"
)

// beat is how often an idle stream says something, so that proxies keep it
// and a browser that has gone is noticed.
const beat = 20 * time.Second

// events streams what happens in an owner's work, beginning with how things
// stand (HTML standard, section 9.2, server-sent events).
func (s *site) events(c *gin.Context) {
	o := owner(c)
	// Listen first, then look: nothing can fall between.
	news, done := s.Hub.Listen(o)
	defer done()
	go s.present(c.Request.Context(), o)
	first, err := s.standing(c, o)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.stream(c, first, news, func(e events.Event) error { return s.send(c, e) })
}

// present notes that a page is open, which keeps a place in the queue.
func (s *site) present(ctx context.Context, o store.Owner) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		s.Guests.Seen(o)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// stream sends what a page must know first, and then tells it all news, until
// either side has had enough.
func (s *site) stream(c *gin.Context, first []events.Event, news <-chan events.Event, tell func(events.Event) error) {
	c.Writer.Header().Set("Content-Type", "text/event-stream")
	c.Writer.Header().Set("X-Accel-Buffering", "no")
	c.Status(http.StatusOK)
	if s.write(c, ": welcome\n\n") != nil {
		return
	}
	for _, e := range first {
		if s.send(c, e) != nil {
			return
		}
	}
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-c.Request.Context().Done():
			return
		case e, more := <-news:
			if !more || tell(e) != nil {
				return // too slow or gone; a browser connects again
			}
		case <-tick.C:
			if s.write(c, ": beat\n\n") != nil {
				return
			}
		}
	}
}

// standing is what a page that has just connected must know.
func (s *site) standing(c *gin.Context, o store.Owner) ([]events.Event, error) {
	p, err := s.book.Tutorial(c.Request.Context(), o)
	if err != nil {
		return nil, err
	}
	out := []events.Event{
		{Name: "guest", Data: views.Guest(s.Guests.Status(o))},
		{Name: "score", Data: views.Score(p)},
	}
	for _, check := range p.Checks {
		if check.Last != nil {
			out = append(out, events.Event{Name: "attempt", Data: s.Desk.Tell(*check.Last, p)})
		}
	}
	setups, err := s.Setup.Standing(c.Request.Context(), o)
	if err != nil {
		return nil, err
	}
	for _, v := range setups {
		out = append(out, events.Event{Name: "setup", Data: v})
	}
	for _, n := range s.Guests.Notices(o) {
		out = append(out, events.Event{Name: "notice", Data: views.Notice(n)})
	}
	if s.Preview != nil {
		out = append(out, s.courseNews())
	}
	running, err := s.Store.RunningAttempts(c.Request.Context(), &o)
	for _, a := range running {
		out = append(out, events.Event{Name: "attempt", Data: s.Desk.Tell(a, p)})
	}
	return out, err
}

func (s *site) send(c *gin.Context, e events.Event) error {
	data, err := json.Marshal(s.told(c, e.Data))
	if err != nil {
		return err
	}
	return s.write(c, fmt.Sprintf("event: %s\ndata: %s\n\n", e.Name, data))
}

// told is news in the viewer's words. Rooms below speak English.
func (s *site) told(c *gin.Context, data any) any {
	l := s.words(c)
	switch v := data.(type) {
	case news.Telling:
		t, _ := s.spoken(c, owner(c))
		return v.In(l, t)
	case themes.GuestView:
		return views.GuestIn(l, v)
	case themes.GradeView:
		return views.GradeIn(l, v)
	case themes.NoticeView:
		v.Text = l.Translate(v.Text)
		return v
	case themes.SetupView:
		v.Message = l.Translate(v.Message)
		return v
	}
	return data
}

// write gives a browser that does not read ten seconds.
func (s *site) write(c *gin.Context, text string) error {
	rc := http.NewResponseController(c.Writer)
	if err := rc.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := c.Writer.WriteString(text); err != nil {
		return err
	}
	return rc.Flush()
}
