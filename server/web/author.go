package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"
	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/events"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/preview"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

// What only the preview of a course has. No other server knows these routes:
// they show solutions.

// authorRoutes adds the routes of the preview.
func (s *site) authorRoutes(in, api *gin.RouterGroup) {
	in.GET("/api/preview/events", s.authorEvents)
	in.POST("/api/preview/student", s.become)
	api.GET("/author/blocks", s.authorBlocks)
	api.POST("/author/try", s.authorTry)
}

// authorOnly lets browsers on this machine in, as the student that they became
// last, and nobody else.
func (s *site) authorOnly(c *gin.Context) {
	if !s.here(c) {
		c.String(http.StatusForbidden, "This preview is for browsers on its own machine.\n")
		c.Abort()
		return
	}
	ctx := c.Request.Context()
	u, err := s.Store.User(ctx, uint(s.sessions.GetInt(ctx, userKey)))
	if errors.Is(err, store.ErrNotFound) {
		if u, err = s.numbered(ctx, 1); err == nil {
			err = s.signIn(c, u)
		}
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Set(seatKey, &seated{user: u})
	// Before the page is drawn: one that is newer than it says is only fetched
	// once more, one that is older would stay.
	for _, course := range s.Catalog.Courses() {
		c.Set(revisionKey, course.Revision)
	}
}

const revisionKey = "revision"

// here says whether a request comes from this machine, and asks for us by a
// name of it: a web page of elsewhere may have taken our address for its own.
func (s *site) here(c *gin.Context) bool {
	host, _, err := net.SplitHostPort(c.Request.RemoteAddr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback() && s.ourName(c.Request.Host) &&
		c.GetHeader("X-Forwarded-For") == "" && c.GetHeader("Forwarded") == ""
}

// numbered is the student of a number, by which variables are drawn.
func (s *site) numbered(ctx context.Context, n uint) (store.User, error) {
	u := store.User{ID: n, Login: fmt.Sprintf("student-%d", n), Name: fmt.Sprintf("Student %d", n)}
	if err := s.Store.AddUser(ctx, &u); err != nil && !errors.Is(err, store.ErrExists) {
		return u, err
	}
	return s.Store.User(ctx, n)
}

// mostStudents bounds the numbers that an author may become.
const mostStudents = 1_000_000

// become makes the browser's session that of another student.
func (s *site) become(c *gin.Context) {
	var in struct {
		Student uint `json:"student"`
	}
	if err := c.ShouldBindJSON(&in); err != nil || in.Student < 1 || in.Student > mostStudents {
		s.fail(c, errBadInput)
		return
	}
	u, err := s.numbered(c.Request.Context(), in.Student)
	if err == nil {
		err = s.signIn(c, u)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"student": u.ID})
}

// author adds to a page's frame what authors have on it.
func (s *site) author(c *gin.Context, st *seated, l *themes.Layout) {
	if s.Preview != nil {
		l.Author = &themes.AuthorView{Student: st.user.ID, Revision: c.GetString(revisionKey)}
	}
}

// CourseNews is the event that tells pages of a save.
func CourseNews(p *preview.Course) events.Event { return events.Event{Name: "course", Data: p.State()} }

func (s *site) courseNews() events.Event { return CourseNews(s.Preview) }

// authorEvents is for pages that have no tutorial, whose events tell the same.
func (s *site) authorEvents(c *gin.Context) {
	news, done := s.Hub.Listen(store.Owner{})
	defer done()
	s.stream(c, []events.Event{s.courseNews()}, news, func(e events.Event) error { return s.send(c, e) })
}

func (s *site) authorBlocks(c *gin.Context) {
	t, _ := s.Catalog.Tutorial(owner(c))
	c.JSON(http.StatusOK, gin.H{"blocks": preview.BlocksOf(t, s.Catalog.Values(owner(c)))})
}

// authorTry does a check, a solution or a mistake in the author's guests.
func (s *site) authorTry(c *gin.Context) {
	var what preview.Trial
	if err := c.ShouldBindJSON(&what); err != nil {
		s.fail(c, errBadInput)
		return
	}
	o := owner(c)
	t, _ := s.Catalog.Tutorial(o)
	way := func(ctx context.Context, guest string) (*ssh.Client, error) {
		client, _, err := s.Guests.Client(ctx, o, guest, "root", guests.ForChecks)
		return client, err
	}
	report, err := preview.Try(c.Request.Context(), t, s.Catalog.Values(o), what, way)
	if errors.Is(err, preview.ErrNoBlock) {
		err = errNoPage
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, report)
}
