package lti

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// A deep linking response is good for responseLife. It is dated back by
// responseBack, since Moodle refuses what comes from the future, by however
// little; Canvas refuses what is more than five minutes old.
const (
	responseLife = 5 * time.Minute
	responseBack = time.Minute
)

// ContentItem is one resource link that a teacher has chosen
// (Deep Linking 2.0, section 4.5.3). Title and URL are needed.
type ContentItem struct {
	Title, Text string
	URL         string // target_link_uri of the launches that follow
	Custom      map[string]string
	LineItem    *ContentLineItem // nil for a link without grade
	Available   *Window          // when the link may be opened
	Submission  *Window          // when work may be handed in
	NewWindow   bool             // asks the platform not to embed it
	Frame       *Frame           // the size of the frame that would be good
}

// ContentLineItem is the gradebook's column of a content item.
type ContentLineItem struct {
	Label        string // Canvas shows it instead of the item's title
	ScoreMaximum float64
	ResourceID   string
	Tag          string
	// Review asks for submission review from the gradebook (Submission Review
	// 1.0, section 3.3). Moodle offers it only for columns that ask.
	Review bool
}

// Window is a span of time; either end may be open.
type Window struct{ Start, End *time.Time }

// Frame is a size in CSS pixels.
type Frame struct{ Width, Height int }

// LinkingResponse signs the answer to a deep linking request: the JWT that
// the browser posts to m.Linking.ReturnURL (Deep Linking 2.0, section 4.5).
// No items means that nothing was chosen. Platforms show say to the teacher;
// it may be empty.
func LinkingResponse(key Key, m *Message, items []ContentItem, say string, now time.Time) (string, error) {
	if m.Linking == nil {
		return "", errors.New("lti: a deep linking response needs a deep linking request")
	}
	if len(items) > 1 && !m.Linking.Multiple {
		return "", fmt.Errorf("lti: the platform takes one item, and %d were chosen", len(items))
	}
	written := []map[string]any{}
	for _, item := range items {
		one, err := item.write(m.Linking.LineItems)
		if err != nil {
			return "", err
		}
		written = append(written, one)
	}
	claims := map[string]any{
		"iss": m.Platform.ClientID, "aud": m.Platform.Issuer, "nonce": random(16),
		"iat": now.Add(-responseBack).Unix(), "exp": now.Add(responseLife).Unix(),
		claimLTI + "version": Version, claimLTI + "message_type": "LtiDeepLinkingResponse",
		claimLTI + "deployment_id": m.Deployment, claimDL + "content_items": written,
	}
	if m.Linking.Data != "" {
		claims[claimDL+"data"] = m.Linking.Data
	}
	if say != "" {
		claims[claimDL+"msg"] = say
	}
	return sign(key, claims)
}

func (item ContentItem) write(lineItems bool) (map[string]any, error) {
	if item.Title == "" || item.URL == "" {
		return nil, errors.New("lti: a content item needs a title and an address")
	}
	one := map[string]any{"type": typeResourceLink, "title": item.Title, "url": item.URL}
	if item.Text != "" {
		one["text"] = item.Text
	}
	if len(item.Custom) > 0 {
		one["custom"] = item.Custom
	}
	if item.LineItem != nil && lineItems {
		if item.LineItem.ScoreMaximum <= 0 {
			return nil, fmt.Errorf("lti: the column of %q needs a highest score above 0", item.Title)
		}
		one["lineItem"] = item.LineItem.write()
	}
	for name, window := range map[string]*Window{"available": item.Available, "submission": item.Submission} {
		if window != nil && (window.Start != nil || window.End != nil) {
			one[name] = window.write()
		}
	}
	if item.NewWindow {
		one["window"] = map[string]any{"targetName": "_blank"}
	}
	if item.Frame != nil {
		one["iframe"] = map[string]any{"width": item.Frame.Width, "height": item.Frame.Height}
	}
	return one, nil
}

func (l ContentLineItem) write() map[string]any {
	one := map[string]any{"scoreMaximum": l.ScoreMaximum}
	for name, value := range map[string]string{"label": l.Label, "resourceId": l.ResourceID, "tag": l.Tag} {
		if value != "" {
			one[name] = value
		}
	}
	if l.Review {
		one["submissionReview"] = map[string]any{"reviewableStatus": []string{"InProgress", "Submitted", "Completed"}}
	}
	return one
}

func (w Window) write() map[string]string {
	ends := map[string]string{}
	if w.Start != nil {
		ends["startDateTime"] = w.Start.UTC().Format(time.RFC3339)
	}
	if w.End != nil {
		ends["endDateTime"] = w.End.UTC().Format(time.RFC3339)
	}
	return ends
}

// sign makes a JWT with one of the tool's own keys.
func sign(key Key, claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key.Private, KeyID: key.ID}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("lti: signing with key %s: %w", key.ID, err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("lti: signing with key %s: %w", key.ID, err)
	}
	return jws.CompactSerialize()
}
