package ltitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// cell is what the gradebook has for one user in one column.
type cell struct {
	shown       *float64 // in points of the column; nil is no grade
	comment     string
	stamp       time.Time // of the last accepted score
	submissions int
	posts       []Post
}

// Post is one score that a tool has posted, accepted or refused. Requests that
// a fault refused before they were looked at are not among them.
type Post struct {
	At        time.Time // by the platform's clock
	Timestamp time.Time // that the tool gave; zero where it gave none
	Status    int       // 2xx where the score was accepted
	Body      string
}

// score is the body of a score (AGS 2.0, section 3.4).
type score struct {
	UserID           any         `json:"userId"`
	ScoreGiven       *float64    `json:"scoreGiven"`
	ScoreMaximum     *float64    `json:"scoreMaximum"`
	Comment          string      `json:"comment"`
	Timestamp        string      `json:"timestamp"`
	ActivityProgress string      `json:"activityProgress"`
	GradingProgress  string      `json:"gradingProgress"`
	Submission       *submission `json:"https://canvas.instructure.com/lti/submission"`

	at time.Time
}

// submission is Canvas's extension of scores.
type submission struct {
	New       *bool      `json:"new_submission"`
	Type      string     `json:"submission_type"`
	Data      string     `json:"submission_data"`
	Submitted *time.Time `json:"submitted_at"`
}

func (p *Platform) takeScore(w http.ResponseWriter, r *http.Request) {
	g, ok := p.grader(w, r, scoreType, ScopeScore)
	if !ok {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		p.fail(w, http.StatusBadRequest, err.Error())
		return
	}
	var s score
	parsed := json.Unmarshal(body, &s)
	s.at, err = time.Parse(time.RFC3339Nano, s.Timestamp)
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.scored(s.UserID)
	var no *problem
	switch {
	case p.faults.Score != 0:
		no = &problem{p.faults.Score, "a fault was set"}
	case parsed != nil || s.Timestamp == "" || s.ActivityProgress == "" || s.GradingProgress == "" || s.UserID == nil:
		no = &problem{http.StatusBadRequest, "Incorrect score received: a field is missing or of a wrong kind"}
	case err != nil:
		no = &problem{http.StatusBadRequest, "Provided timestamp of " + s.Timestamp + " not a valid timestamp"}
	case !progressKnown(s):
		no = &problem{http.StatusBadRequest, "activityProgress or gradingProgress is none of the specification's"}
	case p.cfg.Kind == Canvas:
		no = p.takeCanvasScore(g, u, s, now)
	default:
		no = p.takeMoodleScore(g, u, s)
	}
	status := http.StatusOK
	if no != nil {
		status = no.status
	}
	// A refusal is kept under the name that was given, known or not.
	name := fmt.Sprint(s.UserID)
	if u != nil {
		name = u.ID
	}
	c := g.item.cell(name)
	c.posts = append(c.posts, Post{At: now, Timestamp: s.at, Status: status, Body: string(bytes.TrimSpace(body))})
	if no != nil {
		p.fail(w, no.status, no.text)
		return
	}
	w.Header().Set("Content-Type", scoreType)
	if p.cfg.Kind == Moodle {
		answer(w, status, []any{})
		return
	}
	answer(w, status, map[string]string{"resultUrl": p.resultURL(g.course, g.tool, g.item, u)})
}

// scored finds whom a score is for; Canvas takes its own number, too. The
// caller holds the lock.
func (p *Platform) scored(id any) *User {
	name := fmt.Sprint(id)
	return find(p.users, func(u *User) bool {
		return u.ID == name || p.cfg.Kind == Canvas && fmt.Sprint(u.Number) == name
	})
}

func progressKnown(s score) bool {
	return slices.Contains([]string{"Initialized", "Started", "InProgress", "Submitted", "Completed"}, s.ActivityProgress) &&
		slices.Contains([]string{"NotReady", "Failed", "Pending", "PendingManual", "FullyGraded"}, s.GradingProgress)
}

func (i *lineItem) cell(user string) *cell {
	c := i.cells[user]
	if c == nil {
		c = &cell{}
		i.cells[user] = c
	}
	return c
}

// gradable tells whether a user gets grades in a course.
func gradable(c *Course, u *User) bool { return u != nil && slices.Contains(c.roles[u.ID], "Learner") }

func (p *Platform) takeMoodleScore(g grader, u *User, s score) *problem {
	if !gradable(g.course, u) {
		return &problem{http.StatusBadRequest, "Incorrect score received: the user is not gradable in the course"}
	}
	c := g.item.cell(u.ID)
	if !c.stamp.IsZero() && s.at.Unix() <= c.stamp.Unix() {
		return &problem{http.StatusConflict, fmt.Sprintf("Refusing score with an earlier timestamp for item %d and user %s", g.item.number, u.ID)}
	}
	c.stamp, c.comment, c.shown = s.at, s.Comment, nil
	if s.ScoreGiven == nil || s.GradingProgress != "FullyGraded" {
		return nil // the grade is wiped
	}
	of := 1.0
	if s.ScoreMaximum != nil {
		of = *s.ScoreMaximum
	}
	shown := 0.0
	if of > 0 {
		shown = min(max(*s.ScoreGiven*g.item.max/of, 0), g.item.max)
	}
	c.shown = &shown
	return nil
}

func (p *Platform) takeCanvasScore(g grader, u *User, s score, now time.Time) *problem {
	if !gradable(g.course, u) {
		return &problem{http.StatusUnprocessableEntity, "User not found in course or is not a student"}
	}
	c := g.item.cell(u.ID)
	if s.at.Before(c.stamp) {
		return &problem{http.StatusBadRequest, fmt.Sprintf("Provided timestamp of %s before last updated timestamp of %s", s.Timestamp, c.stamp.UTC().Format("2006-01-02T15:04:05.000Z"))}
	}
	ignored := s.ScoreGiven == nil || s.GradingProgress != "FullyGraded" && s.GradingProgress != "PendingManual"
	if !ignored && (s.ScoreMaximum == nil || *s.ScoreMaximum <= 0) {
		return &problem{http.StatusUnprocessableEntity, "ScoreMaximum not supplied when ScoreGiven present."}
	}
	sub := submission{}
	if s.Submission != nil {
		sub = *s.Submission
	}
	if sub.Submitted != nil && sub.Submitted.After(now.Add(time.Minute)) {
		return &problem{http.StatusBadRequest, "Provided submitted_at timestamp in the future"}
	}
	if sub.New == nil && sub.Type != "none" || sub.New != nil && *sub.New {
		if l := p.link(g.item.link); l != nil && l.AllowedAttempts > 0 && c.submissions >= l.AllowedAttempts {
			return &problem{http.StatusUnprocessableEntity, "The maximum number of allowed attempts has been reached for this submission"}
		}
		c.submissions++
	}
	c.stamp, c.shown = s.at, nil
	if text := strings.TrimSpace(s.Comment); text != "" {
		c.comment = text
	}
	if !ignored {
		shown := *s.ScoreGiven * g.item.max / *s.ScoreMaximum // more than the maximum is allowed
		c.shown = &shown
	}
	return nil
}
