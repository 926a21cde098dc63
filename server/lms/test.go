package lms

import (
	"context"
	"strings"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/store"
)

// Test walks the whole chain to a platform, as far as its newest context
// reaches, and says what it found.
func (o *Office) Test(ctx context.Context, p store.Platform) ([]lti.Finding, error) {
	uses, err := o.Store.ContextUses(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	lineItems := ""
	for _, u := range uses {
		if u.LineItems != "" {
			lineItems = u.LineItems
		}
	}
	return o.Client.Probe(ctx, Registration(p), lineItems), nil
}

// Guess says which product an authorisation URL belongs to; empty if unknown.
func Guess(authURL string) string {
	switch {
	case strings.HasSuffix(authURL, "/mod/lti/auth.php"):
		return "moodle"
	case strings.HasSuffix(authURL, "/api/lti/authorize_redirect"):
		return "canvas"
	}
	return ""
}
