package web

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/attempts"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/lab"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/vmbackend"
)

// problem is an error in a user's words.
type problem struct {
	status        int
	message, mend string
}

func (p problem) Error() string { return p.message }

var (
	errNoPage     = problem{http.StatusNotFound, "There is no such page.", "Check the address, or go back to your courses."}
	errMethod     = problem{http.StatusMethodNotAllowed, "This address does not take such a request.", "Go back and try again."}
	errSignedOut  = problem{http.StatusUnauthorized, "You are not signed in any more.", "Load the page again and sign in."}
	errNotDue     = problem{http.StatusConflict, "This hint is not yet due.", "Try the task first."}
	errNotPassed  = problem{http.StatusForbidden, "This solution can't be read yet.", "Pass the check first."}
	errBadInput   = problem{http.StatusBadRequest, "The request could not be read.", "Load the page again."}
	errLaunchOver = problem{http.StatusUnauthorized, "This visit is over.", "Open the lab again from your course."}
	errNotHere    = problem{http.StatusForbidden, "Your course does not show this tutorial.", "Open it from your course."}
	errUnchosen   = problem{http.StatusNotFound, "Your instructor has not chosen yet what is to be done here.", "Tell your instructor, and come back later."}
	errNotAuto    = problem{http.StatusBadRequest, "This check does not look by itself.", "Load the page again."}
	errTooSoon    = problem{http.StatusTooManyRequests, "This check was looked at a moment ago.", "Wait a little."}
	errTooOften   = problem{http.StatusTooManyRequests, "You have started, stopped and reset machines very often.", "Wait half a minute, then try again."}
	errNoWay      = problem{http.StatusServiceUnavailable, "Your machine did not answer.", "Try again; if it stays so, reset the machine."}
	errTeachers   = problem{http.StatusForbidden, "Only those who teach this course may see this.", "Go back to your work."}
	errInside     = problem{http.StatusInternalServerError, "Something went wrong on the server.", "Try again; if it stays so, tell your instructor."}
)

// problems is the one place where errors become answers.
var problems = []struct {
	err error
	problem
}{
	{guests.ErrNoGuest, problem{http.StatusConflict, "Your machine is not running.", "Start it and try again."}},
	{attempts.ErrNoCheck, problem{http.StatusNotFound, "There is no such check.", "Load the page again."}},
	{guests.ErrUnknown, problem{http.StatusNotFound, "The tutorial has no such machine.", "Load the page again."}},
	{attempts.ErrNoneLeft, problem{http.StatusConflict, "You have no answers left for this question.", "Your points for it stay as they are. Go on with the next one."}},
	{attempts.ErrNotAuto, errNotAuto},
	{checks.ErrConnection, errNoWay},
	{attempts.ErrBadID, problem{http.StatusBadRequest, "The attempt's ID is not a UUID.", "Load the page again."}},
	{attempts.ErrTakenID, problem{http.StatusConflict, "This attempt's ID is taken.", "Load the page again."}},
	{vmbackend.ErrNoImage, problem{http.StatusServiceUnavailable, "This tutorial's machine image is missing on the server.", "Tell your instructor."}},
	{store.ErrNotFound, errNoPage},
}

// fail answers with an error, as JSON or as a page, and ends the request.
func (s *site) fail(c *gin.Context, err error) {
	c.Abort()
	p := errInside
	known := errors.As(err, &p)
	var soon attempts.TooSoon
	if errors.As(err, &soon) {
		c.Header("Retry-After", strconv.Itoa(int(math.Ceil(soon.Wait.Seconds()))))
		p, known = errTooSoon, true
	}
	var often slow
	if errors.As(err, &often) {
		c.Header("Retry-After", strconv.Itoa(int(math.Ceil(often.wait.Seconds()))))
		p, known = errTooOften, true
	}
	var refused attempts.Refused
	if errors.As(err, &refused) {
		p, known = problem{http.StatusUnprocessableEntity, refused.Error(), "It has cost nothing."}, true
	}
	var refusal lab.Refusal
	if errors.As(err, &refusal) {
		p, known = problem{http.StatusConflict, refusal.Error(), "Look at that place in the terminal, or reset the machine."}, true
	}
	for _, k := range problems {
		if !known && errors.Is(err, k.err) {
			p, known = k.problem, true
		}
	}
	if errors.Is(err, context.Canceled) {
		return // the browser has gone
	}
	if !known {
		s.Log.Error("request failed", "method", c.Request.Method, "path", c.Request.URL.Path, "err", err)
	}
	l := s.words(c)
	p.message, p.mend = l.Translate(p.message), l.Translate(p.mend)
	if wantsJSON(c) {
		c.JSON(p.status, gin.H{"error": p.message, "mend": p.mend})
		return
	}
	if seat(c) == nil && (base(c) != "" || c.Request.URL.Path == lti.LaunchPath) {
		// The frame that it stands in must be able to say so.
		s.policy(c, themes.Policy{Ancestors: s.ancestors(c)})
	}
	s.page(c, p.status, themes.ErrorPage{Layout: s.layout(c, p.message), Status: p.status, Message: p.message, Mend: p.mend})
}

func wantsJSON(c *gin.Context) bool { return strings.HasPrefix(c.Request.URL.Path, "/api/") }
