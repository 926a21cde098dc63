package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/attempts"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/lab"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/server/views"
)

// What a student does with machines and checks, as requests of the page.

// guest starts, resets or stops the student's machines.
func (s *site) guest(c *gin.Context) {
	o := owner(c)
	var in struct {
		Guest string `json:"guest"` // to reset this one alone
	}
	if c.Request.ContentLength != 0 {
		if err := c.ShouldBindJSON(&in); err != nil {
			s.fail(c, errBadInput)
			return
		}
	}
	var status guests.Status
	err := s.slowed(c, o)
	if err != nil {
		s.fail(c, err)
		return
	}
	switch c.Param("act") {
	case "start":
		status, err = s.Guests.Start(o)
	case "reset":
		status, err = s.Guests.Reset(o, in.Guest)
	case "broken":
		status, err = s.Guests.Broken(o, in.Guest)
	case "stop":
		status = s.Guests.Stop(o)
	case "stay":
		status = s.Guests.Stay(o, c.ClientIP())
	default:
		err = errNoPage
	}
	var many guests.TooMany
	if errors.As(err, &many) {
		err = s.tooMany(c, many)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusAccepted, views.GuestIn(s.words(c), views.Guest(status)))
}

// slow says that a user starts, stops or resets too often.
type slow struct{ wait time.Duration }

func (slow) Error() string { return "machines are started, stopped and reset too often" }

// slowed counts what makes work for the machines' computers.
func (s *site) slowed(c *gin.Context, o store.Owner) error {
	state := s.Guests.Status(o).State
	switch c.Param("act") {
	case "start":
		if state != guests.None && state != guests.Failed {
			return nil // nothing is done
		}
	case "stop":
		if state != guests.Ready {
			return nil
		}
	case "stay":
		return nil
	}
	if wait := s.throttle.Take(o.UserID); wait > 0 {
		return slow{wait}
	}
	return nil
}

// tooMany puts a quota into words, with what could be stopped.
func (s *site) tooMany(c *gin.Context, e guests.TooMany) problem {
	p := problem{http.StatusConflict, "You have as many machines as you may have at a time.", "Stop the machine of another tutorial, then start this one."}
	if t, _ := s.Catalog.Tutorial(e.Oldest); t != nil {
		p.mend = s.words(c).Say("Stop the machine of “{tutorial}”, which you have not used for the longest, then start this one.", "tutorial", t.Title)
	}
	return p
}

// check begins an attempt, or a look that the page asks for by itself.
func (s *site) check(c *gin.Context) {
	var in struct {
		Attempt string   `json:"attempt"`
		Answer  []string `json:"answer"`
		Auto    bool     `json:"auto"`
	}
	if err := c.ShouldBindJSON(&in); err != nil {
		s.fail(c, errBadInput)
		return
	}
	o, ctx := owner(c), c.Request.Context()
	t, _ := s.spoken(c, o) // its messages are the student's
	var a store.Attempt
	var err error
	if in.Auto {
		a, err = s.Grader.Look(ctx, o, t, c.Param("check"), in.Attempt)
	} else {
		s.Guests.Active(o, c.ClientIP())
		a, err = s.Grader.Submit(ctx, o, t, attempts.Request{Check: c.Param("check"), ID: in.Attempt, Answer: in.Answer})
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	p, err := s.book.Tutorial(ctx, o)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusAccepted, s.Desk.Tell(a, p).In(s.words(c), t))
}

// step notes that the student has entered a step, and gets the machines ready
// for it.
func (s *site) step(c *gin.Context) {
	o := owner(c)
	t, _ := s.Catalog.Tutorial(o)
	id := c.Param("step")
	if !slices.ContainsFunc(t.Steps, func(step content.Step) bool { return step.ID == id }) {
		s.fail(c, errNoPage)
		return
	}
	s.Setup.Enter(o, id)
	c.JSON(http.StatusAccepted, gin.H{"step": id})
}

// fileLimit is how long a file may take on its way into a machine.
const fileLimit = 20 * time.Second

// writeFile puts a file of the tutorial into the student's machine.
func (s *site) writeFile(c *gin.Context) {
	o := owner(c)
	t, _ := s.Catalog.Tutorial(o)
	i := slices.IndexFunc(t.FileBlocks, func(f *content.FileBlock) bool { return f.ID == c.Param("file") })
	if i < 0 {
		s.fail(c, errNoPage)
		return
	}
	file := t.FileBlocks[i]
	s.Guests.Active(o, c.ClientIP())
	ctx, cancel := context.WithTimeout(c.Request.Context(), fileLimit)
	defer cancel()
	client, _, err := s.Guests.Client(ctx, o, file.Guest, "root", guests.ForChecks)
	if err == nil {
		err = lab.Deposit(ctx, client, file.Deposit, s.Catalog.Values(o))
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"path": file.Path})
}

// machine finds the tutorial's guest of a name, the first for an empty one; nil
// if there is none.
func machine(t *content.Tutorial, name string) *content.Guest {
	for i, g := range t.Guests {
		if g.Name == name || name == "" {
			return &t.Guests[i]
		}
	}
	return nil
}

// screen finds the guest of a name whose screen is shown, the first that has
// one for an empty name; nil if there is none.
func screen(t *content.Tutorial, name string) *content.Guest {
	for i, g := range t.Guests {
		if g.Name == name || name == "" && g.Desktop {
			return &t.Guests[i]
		}
	}
	return nil
}
