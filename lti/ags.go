package lti

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
