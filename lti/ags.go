package lti

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Media types of AGS 2.0. Moodle wants them exactly so.
const (
	lineItemType  = "application/vnd.ims.lis.v2.lineitem+json"
	lineItemsType = "application/vnd.ims.lis.v2.lineitemcontainer+json"
	scoreType     = "application/vnd.ims.lis.v1.score+json"
	resultsType   = "application/vnd.ims.lis.v2.resultcontainer+json"
)

// LineItem is a column of a platform's gradebook (AGS 2.0, section 3.2).
type LineItem struct {
	URL            string     `json:"id,omitempty"`
	Label          string     `json:"label"`
	Maximum        float64    `json:"scoreMaximum"`
	ResourceID     string     `json:"resourceId,omitempty"` // what the tool calls it
	Tag            string     `json:"tag,omitempty"`
	ResourceLinkID string     `json:"resourceLinkId,omitempty"`
	Start          *time.Time `json:"startDateTime,omitempty"`
	End            *time.Time `json:"endDateTime,omitempty"`
}

// LineItemFilter narrows LineItems; what is empty does not.
type LineItemFilter struct{ ResourceLinkID, ResourceID, Tag string }

func (f LineItemFilter) fits(i LineItem) bool {
	return (f.ResourceLinkID == "" || i.ResourceLinkID == f.ResourceLinkID) &&
		(f.ResourceID == "" || i.ResourceID == f.ResourceID) && (f.Tag == "" || i.Tag == f.Tag)
}

// LineItems are those of a context, from the URL that a launch has told. A
// Canvas that does not know the resource link makes it an error of kind Gone.
func (c *Client) LineItems(ctx context.Context, p Platform, url string, f LineItemFilter) ([]LineItem, error) {
	var all []LineItem
	k := call{op: OpLineItems, method: http.MethodGet, accept: lineItemsType, scopes: [][]string{{ScopeLineItemReadOnly}, {ScopeLineItem}},
		url: withQuery(url, "resource_link_id", f.ResourceLinkID, "resource_id", f.ResourceID, "tag", f.Tag)}
	err := c.list(ctx, p, k, func(body []byte) error {
		var page []lineItem
		if err := json.Unmarshal(body, &page); err != nil {
			return errors.New("no list of line items")
		}
		for _, in := range page {
			i, err := in.lineItem()
			if err != nil {
				return err
			}
			// Some platforms pass over filters that they don't know.
			if f.fits(i) {
				all = append(all, i)
			}
		}
		return nil
	})
	return all, err
}

// LineItem reads one.
func (c *Client) LineItem(ctx context.Context, p Platform, url string) (LineItem, error) {
	return c.oneLineItem(ctx, p, call{op: OpLineItem, method: http.MethodGet, url: url, accept: lineItemType,
		scopes: [][]string{{ScopeLineItemReadOnly}, {ScopeLineItem}}})
}

// AddLineItem makes one in the context whose line items are at url, and
// returns it as the platform has it.
func (c *Client) AddLineItem(ctx context.Context, p Platform, url string, item LineItem) (LineItem, error) {
	item.URL = ""
	body, err := json.Marshal(item)
	if err != nil {
		return LineItem{}, fmt.Errorf("line item %q: %w", item.Label, err)
	}
	return c.oneLineItem(ctx, p, call{op: OpAdd, method: http.MethodPost, url: url, accept: lineItemType, content: lineItemType,
		body: body, scopes: [][]string{{ScopeLineItem}}})
}

func (c *Client) oneLineItem(ctx context.Context, p Platform, k call) (LineItem, error) {
	a, err := c.do(ctx, p, k)
	if err != nil {
		return LineItem{}, err
	}
	var in lineItem
	if err := json.Unmarshal(a.body, &in); err != nil {
		return LineItem{}, garbled(k, a, errors.New("no line item"))
	}
	i, err := in.lineItem()
	if err != nil {
		return LineItem{}, garbled(k, a, err)
	}
	return i, nil
}

// lineItem is a line item as platforms send it.
type lineItem struct {
	ID             string  `json:"id"`
	Label          text    `json:"label"`
	Maximum        float64 `json:"scoreMaximum"`
	ResourceID     text    `json:"resourceId"`
	Tag            text    `json:"tag"`
	ResourceLinkID text    `json:"resourceLinkId"`
}

func (i lineItem) lineItem() (LineItem, error) {
	if err := callable(i.ID); err != nil {
		return LineItem{}, fmt.Errorf("a line item's id: %w", err)
	}
	if !(i.Maximum >= 0) {
		return LineItem{}, fmt.Errorf("a line item's scoreMaximum is %v", i.Maximum)
	}
	return LineItem{URL: i.ID, Label: string(i.Label), Maximum: i.Maximum, ResourceID: string(i.ResourceID),
		Tag: string(i.Tag), ResourceLinkID: string(i.ResourceLinkID)}, nil
}

// Values of Score.Activity (AGS 2.0, section 3.4.7).
const (
	Started    = "Started"
	InProgress = "InProgress"
	Submitted  = "Submitted"
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

// below puts a path's last part before the query, which Moodle's addresses have.
func below(address, part string) string {
	path, query, more := strings.Cut(address, "?")
	path = strings.TrimRight(path, "/") + "/" + part
	if more {
		path += "?" + query
	}
	return path
}

// withQuery adds names and values to an address; empty values are left out.
func withQuery(address string, pairs ...string) string {
	add := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			add.Set(pair[0], pair[1])
		}
	}
	switch {
	case len(add) == 0:
		return address
	case strings.Contains(address, "?"):
		return address + "&" + add.Encode()
	}
	return address + "?" + add.Encode()
}
