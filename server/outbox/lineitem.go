package outbox

import (
	"context"
	"errors"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/store"
)

// errNowhere is the lack of a gradebook.
var errNowhere = errors.New("the platform offers Labmark no gradebook here")

// errGone is a line item that is gone although it stands in the gradebook, or
// that was made anew already.
var errGone = errors.New("the column is gone, and making another did not help")

// remake is how often a line item that has gone is made anew.
const remake = time.Hour

// maker lets one job at a time look for a link's line item.
type maker struct {
	turn chan struct{}
	made time.Time // last
}

// findLineItem finds or makes the line item of the job's link and remembers
// it. Lost is one that the platform does not know any more. No line item is
// ever deleted: with it, a Moodle might drop the grades.
func (j *job) findLineItem(ctx context.Context, lost string, maximum float64) error {
	m, db := j.maker(j.link.ID), context.WithoutCancel(ctx)
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	var err error
	if j.link, err = j.cfg.Store.Link(db, j.link.ID); err != nil {
		return own(err)
	}
	if j.link.LineItem != lost {
		return nil // another job has found it
	}
	place, err := j.cfg.Store.Context(db, j.link.ContextID)
	if err != nil {
		return own(err)
	}
	if place.LineItems == "" {
		if lost != "" {
			return errGone
		}
		return errNowhere
	}
	item, err := j.search(ctx, place.LineItems)
	if err != nil {
		return err
	}
	switch now := j.cfg.Now(); {
	case item.URL == "" && now.Sub(m.made) < remake:
		return errGone
	case item.URL == "":
		if item, err = j.make(ctx, place.LineItems, maximum); err != nil {
			return err
		}
		m.made = now
	case item.URL == lost:
		return errGone
	}
	j.link.LineItem, j.link.Maximum = item.URL, item.Maximum
	return own(j.cfg.Store.SetLineItem(db, j.link.ID, item.URL, item.Maximum))
}

func (o *Outbox) maker(link uint) *maker {
	o.mu.Lock()
	defer o.mu.Unlock()
	m := o.makers[link]
	if m == nil {
		m = &maker{turn: make(chan struct{}, 1)}
		o.makers[link] = m
	}
	return m
}

// search looks for the link's line item: one that the platform has made for
// it, or one of our own of which we did not live to take note. Empty if there
// is none.
func (j *job) search(ctx context.Context, url string) (lti.LineItem, error) {
	for _, f := range []lti.LineItemFilter{{ResourceLinkID: j.link.LTIID}, {ResourceID: resourceID(j.link)}} {
		items, err := j.cfg.Client.LineItems(ctx, j.platform, url, f)
		if kindOf(err) == lti.Gone && f.ResourceLinkID != "" {
			continue // a Canvas that does not know the link
		}
		if err != nil {
			return lti.LineItem{}, err
		}
		for _, i := range items {
			if i.ResourceLinkID == "" || i.ResourceLinkID == j.link.LTIID {
				return i, nil
			}
		}
	}
	return lti.LineItem{}, nil
}

// make adds a line item, bound to the link if the platform knows it.
func (j *job) make(ctx context.Context, url string, maximum float64) (lti.LineItem, error) {
	item := lti.LineItem{Label: j.link.Title, Maximum: maximum, ResourceID: resourceID(j.link), ResourceLinkID: j.link.LTIID}
	if j.link.Maximum > 0 {
		item.Maximum = j.link.Maximum
	}
	if item.Label == "" {
		item.Label = j.link.Course + " " + j.link.Tutorial
	}
	made, err := j.cfg.Client.AddLineItem(ctx, j.platform, url, item)
	if kindOf(err) == lti.Gone {
		item.ResourceLinkID = ""
		made, err = j.cfg.Client.AddLineItem(ctx, j.platform, url, item)
	}
	return made, err
}

// resourceID names a link's line item at the platform. Two links may show the
// same tutorial, each with a grade of its own.
func resourceID(l store.ResourceLink) string {
	id := l.Course + "/" + l.Tutorial + ":" + l.LTIID
	return id[:min(len(id), 250)]
}
