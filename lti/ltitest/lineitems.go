package ltitest

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// lineItem is one column of the gradebook.
type lineItem struct {
	number               int
	course, client, link string
	label                string
	max                  float64
	resourceID, tag      string
	end                  *time.Time
	submissionType       json.RawMessage // Canvas's extension, given back as it came
	coupled              bool            // made by the platform together with its link
	cells                map[string]*cell
}

// Media types of AGS 2.0.
const (
	itemType   = "application/vnd.ims.lis.v2.lineitem+json"
	itemsType  = "application/vnd.ims.lis.v2.lineitemcontainer+json"
	scoreType  = "application/vnd.ims.lis.v1.score+json"
	resultType = "application/vnd.ims.lis.v2.resultcontainer+json"
)

const submissionTypeExtension = "https://canvas.instructure.com/lti/submission_type"

// coupled finds a link's own line item. The caller holds the lock.
func (p *Platform) coupled(link string) *lineItem {
	return find(p.items, func(i *lineItem) bool { return i.link == link })
}

// RemoveLineItem deletes a link's column, as a teacher may.
func (p *Platform) RemoveLineItem(link string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.items = slices.DeleteFunc(p.items, func(i *lineItem) bool { return i.link == link })
}

func (p *Platform) itemJSON(g grader, i *lineItem) map[string]any {
	out := map[string]any{"id": p.lineItemURL(g.course, g.tool, i), "label": i.label, "scoreMaximum": i.max}
	if i.resourceID != "" || p.cfg.Kind == Moodle {
		out["resourceId"] = i.resourceID
	}
	if i.tag != "" || p.cfg.Kind == Moodle {
		out["tag"] = i.tag
	}
	if i.link != "" {
		out["resourceLinkId"] = i.link
		if p.cfg.Kind == Moodle {
			out["ltiLinkId"] = i.link
		}
	}
	if i.end != nil {
		out["endDateTime"] = iso(*i.end)
	}
	if i.submissionType != nil {
		out[submissionTypeExtension] = i.submissionType
	}
	return out
}

func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z07:00") }

func (p *Platform) serveLineItems(w http.ResponseWriter, r *http.Request) {
	g, ok := p.grader(w, r, itemsType, ScopeLineItem, ScopeLineItemReadOnly)
	if !ok {
		return
	}
	p.mu.Lock()
	q := r.URL.Query()
	list := []any{}
	for _, i := range p.items {
		if i.course == g.course.ID && i.client == g.tool.ClientID &&
			(!q.Has("resource_link_id") || i.link == q.Get("resource_link_id")) &&
			(!q.Has("resource_id") || i.resourceID == q.Get("resource_id")) &&
			(!q.Has("tag") || i.tag == q.Get("tag")) {
			list = append(list, p.itemJSON(g, i))
		}
	}
	p.mu.Unlock()
	w.Header().Set("Content-Type", itemsType)
	part := p.page(w, r, list, p.size(r, 0, 10), p.cfg.Kind == Moodle)
	if p.Faults().HugeBodies {
		write(w, hugeBody())
		return
	}
	answer(w, http.StatusOK, part)
}

func (p *Platform) serveLineItem(w http.ResponseWriter, r *http.Request) {
	g, ok := p.grader(w, r, itemType, ScopeLineItem, ScopeLineItemReadOnly)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Content-Type", itemType)
	answer(w, http.StatusOK, p.itemJSON(g, g.item))
}

// itemBody is what a tool says of a line item.
type itemBody struct {
	Label          string          `json:"label"`
	ScoreMaximum   *float64        `json:"scoreMaximum"`
	ResourceID     *string         `json:"resourceId"`
	Tag            *string         `json:"tag"`
	ResourceLinkID string          `json:"resourceLinkId"`
	EndDateTime    *time.Time      `json:"endDateTime"`
	SubmissionType json.RawMessage `json:"https://canvas.instructure.com/lti/submission_type"`
}

func (p *Platform) addLineItem(w http.ResponseWriter, r *http.Request) {
	g, ok := p.grader(w, r, itemType, ScopeLineItem)
	if !ok {
		return
	}
	var b itemBody
	err := json.NewDecoder(r.Body).Decode(&b)
	if err != nil || b.Label == "" || b.ScoreMaximum == nil || *b.ScoreMaximum < 0 {
		p.fail(w, http.StatusBadRequest, "No label or Score Maximum")
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if no := p.mayCouple(g, b.ResourceLinkID); no != nil {
		p.fail(w, no.status, no.text)
		return
	}
	i := &lineItem{number: p.next(), course: g.course.ID, client: g.tool.ClientID, link: b.ResourceLinkID, cells: map[string]*cell{}}
	i.take(b)
	p.items = append(p.items, i)
	w.Header().Set("Content-Type", itemType)
	answer(w, http.StatusCreated, p.itemJSON(g, i))
}

// mayCouple says why a new line item cannot belong to a link. The caller
// holds the lock.
func (p *Platform) mayCouple(g grader, link string) *problem {
	if link == "" {
		return nil
	}
	l := p.link(link)
	known := l != nil && l.Client == g.tool.ClientID && l.Course == g.course.ID
	switch {
	case !known && p.cfg.Kind == Moodle:
		return &problem{http.StatusForbidden, "no such resource link of this tool"}
	case !known:
		return &problem{http.StatusNotFound, "The specified resource does not exist."}
	case p.cfg.Kind == Canvas && p.coupled(link) == nil:
		return &problem{http.StatusPreconditionFailed, "the resource link has no active line item"}
	}
	return nil
}

func (i *lineItem) take(b itemBody) {
	if b.Label != "" {
		i.label = b.Label
	}
	if b.ScoreMaximum != nil {
		i.max = *b.ScoreMaximum
	}
	if b.ResourceID != nil {
		i.resourceID = *b.ResourceID
	}
	if b.Tag != nil {
		i.tag = *b.Tag
	}
	if b.EndDateTime != nil {
		i.end = b.EndDateTime
	}
	if b.SubmissionType != nil {
		i.submissionType = b.SubmissionType
	}
}

func (p *Platform) changeLineItem(w http.ResponseWriter, r *http.Request) {
	g, ok := p.grader(w, r, itemType, ScopeLineItem)
	if !ok {
		return
	}
	var b itemBody
	if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
		p.fail(w, http.StatusBadRequest, err.Error())
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	g.item.take(b)
	w.Header().Set("Content-Type", itemType)
	answer(w, http.StatusOK, p.itemJSON(g, g.item))
}

// deleteLineItem lets Moodle lose a coupled column, which Canvas refuses.
func (p *Platform) deleteLineItem(w http.ResponseWriter, r *http.Request) {
	g, ok := p.grader(w, r, "", ScopeLineItem)
	if !ok {
		return
	}
	if g.item.coupled && p.cfg.Kind == Canvas {
		p.fail(w, http.StatusUnauthorized, "a coupled line item cannot be deleted")
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.items = slices.DeleteFunc(p.items, func(i *lineItem) bool { return i == g.item })
	w.WriteHeader(http.StatusNoContent)
}
