package lti

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"
)

// Those values of Score.Activity that are used (AGS 2.0, section 3.4.7).
const (
	InProgress = "InProgress"
	Completed  = "Completed"
)

// Score is a grade on its way to a platform (AGS 2.0, section 3.4). It is
// always fully graded: of anything else Moodle makes an empty grade.
type Score struct {
	UserID         string // the platform's, sub of a launch
	Given, Maximum float64
	// Cleared sends no scoreGiven, by which Moodle empties the grade; Canvas
	// leaves it.
	Cleared    bool
	Comment    string
	Activity   string    // empty means Completed
	At         time.Time // later than that of the last, by a whole second for Moodle
	Submission *Submission
}

// Submission is Canvas's extension of a score.
type Submission struct {
	New bool      // counts as one of the student's attempts at Canvas
	At  time.Time // when the work was done; may be zero
}

// Ready fetches a token for scores unless there is one, so that Clock knows.
func (c *Client) Ready(ctx context.Context, p Platform) error {
	_, err := c.token(ctx, p, [][]string{{ScopeScore}})
	return err
}

// Score sends one score to a line item.
func (c *Client) Score(ctx context.Context, p Platform, lineItemURL string, s Score) error {
	body, err := s.encode()
	k := call{op: OpScore, method: http.MethodPost, url: below(lineItemURL, "scores"), accept: "application/json, " + scoreType + ", */*",
		content: scoreType, body: body, scopes: [][]string{{ScopeScore}}}
	if err != nil {
		return &ServiceError{Op: k.op, URL: bare(k.url), Err: err, kind: Refused}
	}
	_, err = c.do(ctx, p, k)
	var e *ServiceError
	if errors.As(err, &e) && e.Op == OpScore && e.Status >= 200 && e.Status < 300 {
		return nil // accepted, with an answer that is too long or cut off
	}
	return err
}

// milliseconds is RFC 3339 with three digits, as AGS and Canvas want it.
const milliseconds = "2006-01-02T15:04:05.000Z07:00"

func (s Score) encode() ([]byte, error) {
	if s.UserID == "" || s.At.IsZero() {
		return nil, errors.New("a score needs a user and a time")
	}
	out := map[string]any{"userId": s.UserID, "timestamp": s.At.UTC().Format(milliseconds),
		"activityProgress": s.Activity, "gradingProgress": "FullyGraded"}
	if s.Activity == "" {
		out["activityProgress"] = Completed
	}
	if !s.Cleared {
		if !(s.Given >= 0) || !(s.Maximum > 0) || math.IsInf(s.Given+s.Maximum, 0) {
			return nil, fmt.Errorf("%v of %v is no score", s.Given, s.Maximum)
		}
		out["scoreGiven"], out["scoreMaximum"] = s.Given, s.Maximum
	}
	if s.Comment != "" {
		out["comment"] = s.Comment
	}
	if s.Submission != nil {
		ext := map[string]any{"new_submission": s.Submission.New}
		if !s.Submission.At.IsZero() {
			ext["submitted_at"] = s.Submission.At.UTC().Format(milliseconds)
		}
		out["https://canvas.instructure.com/lti/submission"] = ext
	}
	return json.Marshal(out)
}

// Result is a grade as a platform has it (AGS 2.0, section 3.3).
type Result struct {
	UserID  string
	Score   *float64 // nil: none; Moodle says so of zero points too
	Maximum float64  // 1 where the platform does not say
	Comment string
	At      time.Time // zero where the platform does not say
}

// Results are those of a line item; of one user only if that is not empty.
func (c *Client) Results(ctx context.Context, p Platform, lineItemURL, user string) ([]Result, error) {
	var all []Result
	k := call{op: OpResults, method: http.MethodGet, accept: resultsType, scopes: [][]string{{ScopeResult}},
		// No limit: a Moodle that is given one answers with an error.
		url: withQuery(below(lineItemURL, "results"), "user_id", user)}
	err := c.list(ctx, p, k, func(body []byte) error {
		var page []struct {
			UserID    text     `json:"userId"`
			Score     *float64 `json:"resultScore"`
			Maximum   *float64 `json:"resultMaximum"`
			Comment   string   `json:"comment"`
			Timestamp string   `json:"timestamp"` // an addition of Moodle's
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return errors.New("no list of results")
		}
		for _, in := range page {
			if user != "" && string(in.UserID) != user {
				continue
			}
			r := Result{UserID: string(in.UserID), Score: in.Score, Maximum: 1, Comment: in.Comment}
			if in.Maximum != nil && *in.Maximum > 0 {
				r.Maximum = *in.Maximum
			}
			r.At, _ = time.Parse(time.RFC3339, in.Timestamp)
			all = append(all, r)
		}
		return nil
	})
	return all, err
}
