package ltitest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// linking is a deep linking that has begun; its key stands in the return address.
type linking struct {
	message Message
	data    string
	used    bool
}

func placement(who parties) string {
	switch {
	case who.Type == DeepLinking && who.Single:
		return "assignment_selection"
	case who.Type == DeepLinking:
		return "link_selection"
	default:
		return "assignment_view"
	}
}

// linkingSettings begins a deep linking (Deep Linking 2.0, section 4.4.1).
// The caller holds the lock.
func (p *Platform) linkingSettings(who parties) map[string]any {
	key := randomHex(8)
	l := &linking{message: who.Message}
	p.linkings[key] = l
	if p.cfg.Kind == Moodle {
		return map[string]any{
			"accept_types": []string{"ltiResourceLink"}, "accept_multiple": true,
			"accept_presentation_document_targets": []string{"frame", "iframe", "window"},
			"accept_copy_advice":                   false, "accept_unsigned": false, "auto_create": false, "can_confirm": false,
			"deep_link_return_url": fmt.Sprintf("%s/mod/lti/contentitem_return.php?course=%d&id=%d&sesskey=%s", p.cfg.Host, who.course.Number, who.tool.Number, key),
			"title":                "", "text": "",
		}
	}
	l.data = randomHex(24)
	types := []string{"ltiResourceLink", "link"}
	if who.Single {
		types = types[:1]
	}
	return map[string]any{
		"accept_types": types, "accept_multiple": !who.Single, "accept_lineitem": true, "auto_create": false,
		"accept_presentation_document_targets": []string{"iframe", "window"},
		"accept_media_types":                   "application/vnd.ims.lti.v1.ltilink",
		"deep_link_return_url":                 fmt.Sprintf("%s/courses/%d/deep_linking_response?modal=true&placement=%s&session=%s", p.cfg.Host, who.course.Number, placement(who), key),
		"data":                                 l.data, "title": "", "text": "",
	}
}

// linkingClaims are those of a response (Deep Linking 2.0, section 4.5).
type linkingClaims struct {
	Type       string        `json:"https://purl.imsglobal.org/spec/lti/claim/message_type"`
	Version    string        `json:"https://purl.imsglobal.org/spec/lti/claim/version"`
	Deployment string        `json:"https://purl.imsglobal.org/spec/lti/claim/deployment_id"`
	Nonce      string        `json:"nonce"`
	Data       string        `json:"https://purl.imsglobal.org/spec/lti-dl/claim/data"`
	Items      []contentItem `json:"https://purl.imsglobal.org/spec/lti-dl/claim/content_items"`
	Message    string        `json:"https://purl.imsglobal.org/spec/lti-dl/claim/msg"`
}

type contentItem struct {
	Type     string         `json:"type"`
	Title    string         `json:"title"`
	Text     string         `json:"text"`
	URL      string         `json:"url"`
	Custom   map[string]any `json:"custom"`
	LineItem *struct {
		Label        string   `json:"label"`
		ScoreMaximum *float64 `json:"scoreMaximum"`
		ResourceID   string   `json:"resourceId"`
		Tag          string   `json:"tag"`
	} `json:"lineItem"`
	Window     json.RawMessage `json:"window"`
	Iframe     json.RawMessage `json:"iframe"`
	Available  dates           `json:"available"`
	Submission dates           `json:"submission"`
}

type dates struct {
	Start *time.Time `json:"startDateTime"`
	End   *time.Time `json:"endDateTime"`
}

// takeLinking verifies a deep linking response and adds what was picked.
func (p *Platform) takeLinking(ctx context.Context, key, text string) (added []Link, say string, err error) {
	p.mu.Lock()
	l := p.linkings[key]
	p.mu.Unlock()
	if l == nil {
		return nil, "", errors.New("the return address is not that of any deep linking")
	}
	c, err := p.linkingResponse(ctx, l, text)
	if err != nil {
		return nil, "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.used {
		return nil, "", errors.New("this deep linking has been answered before")
	}
	if l.message.Single && len(c.Items) > 1 {
		return nil, "", fmt.Errorf("%d items came though accept_multiple is false", len(c.Items))
	}
	var links []Link
	for n, item := range c.Items {
		link, err := p.linkOf(l.message, item)
		if err != nil {
			return nil, "", fmt.Errorf("content item %d: %w", n+1, err)
		}
		links = append(links, link)
	}
	l.used = true
	for _, link := range links {
		added = append(added, *p.addLink(link))
	}
	return added, c.Message, nil
}

func (p *Platform) linkingResponse(ctx context.Context, l *linking, text string) (linkingClaims, error) {
	var c linkingClaims
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return c, fmt.Errorf("JWT is no RS256 token: %w", err)
	}
	if err := token.UnsafeClaimsWithoutVerification(&c); err != nil {
		return c, fmt.Errorf("claims of the response: %w", err)
	}
	p.mu.Lock()
	who, err := p.resolve(l.message)
	var deployments []string
	if err == nil {
		deployments = who.tool.Deployments
	}
	p.mu.Unlock()
	if err != nil {
		return c, err
	}
	client := who.Client
	standard, err := p.verified(ctx, token, client)
	if err != nil {
		return c, err
	}
	now := p.now()
	switch {
	case standard.Issuer != client:
		return c, fmt.Errorf("iss must be the client_id %q, not %q", client, standard.Issuer)
	case !slices.Contains([]string(standard.Audience), p.cfg.Issuer):
		return c, fmt.Errorf("aud must be the issuer %q, not %q", p.cfg.Issuer, standard.Audience)
	case standard.IssuedAt == nil || standard.Expiry == nil || !now.Before(standard.Expiry.Time()):
		return c, errors.New("expired, or iat or exp is missing")
	case standard.IssuedAt.Time().After(now.Add(time.Minute)):
		return c, errors.New("iat is in the future")
	case c.Type != "LtiDeepLinkingResponse" || c.Version != "1.3.0":
		return c, fmt.Errorf("message_type %q or version %q is wrong", c.Type, c.Version)
	case !slices.Contains(deployments, c.Deployment):
		return c, fmt.Errorf("deployment_id %q is not this one's", c.Deployment)
	case c.Data != l.data:
		return c, errors.New("data did not come back as it was sent")
	case c.Nonce == "" || !p.first("nonce "+c.Nonce):
		return c, errors.New("nonce is missing or was used before")
	}
	return c, nil
}

// linkOf makes a link of a content item. The caller holds the lock.
func (p *Platform) linkOf(m Message, item contentItem) (Link, error) {
	l := Link{
		Course: m.Course, Client: m.Client, Title: item.Title, Description: item.Text, URL: item.URL,
		Custom: map[string]string{}, Window: item.Window != nil && item.Iframe == nil,
		Available: item.Available.Start, Due: item.Submission.End,
	}
	if item.Type != "ltiResourceLink" {
		return l, fmt.Errorf("type %q is not among accept_types", item.Type)
	}
	for name, value := range item.Custom {
		l.Custom[name] = fmt.Sprint(value)
	}
	li := item.LineItem
	switch {
	case li == nil && p.cfg.Kind == Canvas && m.Single:
		l.Points = 10 // what the teacher had typed into the assignment's form
	case li == nil:
		// Moodle makes a column of 100 points all the same, Canvas none.
	case li.ScoreMaximum == nil && p.cfg.Kind == Canvas:
		return l, errors.New("lineItem.scoreMaximum is missing")
	default:
		l.Points = 100
		if li.ScoreMaximum != nil {
			l.Points = *li.ScoreMaximum
		}
		l.ResourceID, l.Tag = li.ResourceID, li.Tag
		if p.cfg.Kind == Canvas {
			l.Title = cmp.Or(li.Label, l.Title)
		}
	}
	return l, nil
}
