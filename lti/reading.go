package lti

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4/json"
)

// Names of claims begin with one of these.
const (
	claimLTI  = "https://purl.imsglobal.org/spec/lti/claim/"
	claimAGS  = "https://purl.imsglobal.org/spec/lti-ags/claim/"
	claimNRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/"
	claimDL   = "https://purl.imsglobal.org/spec/lti-dl/claim/"
)

// typeResourceLink is the one type of content that this tool has to give.
const typeResourceLink = "ltiResourceLink"

// message reads verified claims (LTI Core 1.3, section 5).
func (t *Tool) message(p Platform, s state, c object) (*Message, error) {
	m := &Message{
		Platform: p, Storage: s.Storage,
		Deployment: c.id(claimLTI + "deployment_id"),
		IssuedAt:   c.time("iat"),
		TargetLink: c.address(claimLTI + "target_link_uri"),
	}
	steps := []func(*Message, object) *Refusal{t.kind, deployed(s), t.target(s), readUser, readPlace, readForUser, readServices, readLinking}
	for _, step := range steps {
		if refusal := step(m, c); refusal != nil {
			return nil, refusal
		}
		if refusal := c.refusal(p); refusal != nil {
			return nil, refusal
		}
	}
	return m, nil
}

// kind is the version and the type of a message.
func (t *Tool) kind(m *Message, c object) *Refusal {
	if version := c.text(claimLTI + "version"); version != Version {
		return refuse(ReasonVersion, m.Platform, "the message's version is %s", quoted(version))
	}
	name := c.text(claimLTI + "message_type")
	switch m.Type = MessageType(name); m.Type {
	case ResourceLinkRequest, DeepLinkingRequest, SubmissionReviewRequest, DataPrivacyRequest:
		return nil
	}
	if name == "Lti"+string(DataPrivacyRequest) { // as drafts of its specification say
		m.Type = DataPrivacyRequest
		return nil
	}
	return refuse(ReasonMessageUnknown, m.Platform, "the message's type is %s", quoted(name))
}

// deployed checks the deployment, also against the login's
// (LTI Core 1.3, section 4.1.2).
func deployed(s state) func(*Message, object) *Refusal {
	return func(m *Message, _ object) *Refusal {
		switch {
		case m.Deployment == "":
			return refuse(ReasonDeploymentMissing, m.Platform, "the message names no deployment_id")
		case s.Deployment != "" && s.Deployment != m.Deployment:
			return refuse(ReasonDeploymentChanged, m.Platform, "deployment_id is %s, at the login it was %s", quoted(m.Deployment), quoted(s.Deployment))
		case !m.Platform.Deploys(m.Deployment):
			return refuse(ReasonDeploymentUnknown, m.Platform, "deployment_id %s is not registered", quoted(m.Deployment))
		}
		return nil
	}
}

// target checks target_link_uri. Platforms keep the whole address in the
// token, and in the login sometimes one with another query, so the path is
// what has to be the same.
func (t *Tool) target(s state) func(*Message, object) *Refusal {
	return func(m *Message, _ object) *Refusal {
		if m.TargetLink == "" {
			if m.Type == ResourceLinkRequest {
				return refuse(ReasonTargetMissing, m.Platform, "the message has no target_link_uri")
			}
			m.TargetLink = t.Endpoints.At(LaunchPath)
			return nil
		}
		path, ok := t.Endpoints.below(m.TargetLink)
		if !ok {
			return refuse(ReasonTargetElsewhere, m.Platform, "target_link_uri %s is not below %s", quoted(m.TargetLink), t.Endpoints.Base)
		}
		if s.Path != "" && path != s.Path {
			return refuse(ReasonTargetChanged, m.Platform, "target_link_uri has path %s, at the login it was %s", quoted(path), quoted(s.Path))
		}
		return nil
	}
}

// readUser is who launches, with which roles, and the custom parameters,
// since some platforms tell about people only there.
func readUser(m *Message, c object) *Refusal {
	m.User = User{
		Subject: c.id("sub"), Name: c.label("name", longestLabel), Given: c.label("given_name", longestLabel),
		Family: c.label("family_name", longestLabel), Email: c.label("email", longestLabel),
		Username:  c.object(claimLTI+"ext").label("user_username", longestID),
		SourcedID: c.object(claimLTI+"lis").label("person_sourcedid", longestID),
	}
	if strings.TrimSpace(m.User.Subject) == "" && c.fault.reason == "" {
		return refuse(ReasonAnonymous, m.Platform, "the message has no sub claim")
	}
	m.Roles = readRoles(c, claimLTI+"roles")
	platform := c.object(claimLTI + "tool_platform")
	m.Product, m.Installation = platform.label("product_family_code", longestID), platform.label("name", longestLabel)
	m.Custom = readCustom(c.object(claimLTI + "custom"))
	if m.Product == "canvas" { // elsewhere a teacher may set these in a link
		m.User.PlatformID = m.Custom["canvas_user_id"]
		m.User.Username = or(m.User.Username, m.Custom["canvas_login_id"])
		m.User.SourcedID = or(m.User.SourcedID, m.Custom["canvas_sis_id"])
	}
	return nil
}

func or(first, second string) string {
	if first != "" {
		return first
	}
	return second
}

func readRoles(c object, name string) []Role {
	var roles []Role
	for _, role := range c.list(name) {
		if len(role) > longestID {
			c.blame(ReasonClaimTooLong, name, "has a role that is too long")
			return nil
		}
		roles = append(roles, Role(role))
	}
	return roles
}

// variable is a custom parameter that the platform did not know and sent as
// it was written: "$ResourceLink.available.startDateTime".
var variable = regexp.MustCompile(`^\$[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_<>-]+)+$`)

// readCustom turns custom parameters into texts. The specification knows only
// texts; numbers, true and false are taken as written.
func readCustom(custom object) map[string]string {
	values := map[string]string{}
	if len(custom.fields) > mostEntries {
		custom.blame(ReasonClaimTooLong, "parameters", "are too many")
		return values
	}
	for name, raw := range custom.fields {
		var value string
		switch raw := raw.(type) {
		case string:
			value = raw
		case json.Number:
			value = raw.String()
		case bool:
			value = strconv.FormatBool(raw)
		default:
			continue
		}
		if len(name) > longestID || len(value) > 4*longestValue {
			custom.blame(ReasonClaimTooLong, quoted(name), "is too long")
			return values
		}
		if value = clean(value, longestValue); !variable.MatchString(value) {
			values[clean(name, longestID)] = value
		}
	}
	return values
}

// readPlace is the course, the link in it, and how the launch is shown.
func readPlace(m *Message, c object) *Refusal {
	if c.has(claimLTI + "context") {
		context, lis := c.object(claimLTI+"context"), c.object(claimLTI+"lis")
		m.Context = &Context{
			ID: context.id("id"), Label: context.label("label", longestLabel), Title: context.label("title", longestLabel),
			SourcedID: or(lis.label("course_section_sourcedid", longestID), lis.label("course_offering_sourcedid", longestID)),
		}
		if m.Context.ID == "" && c.fault.reason == "" {
			return refuse(ReasonContextNameless, m.Platform, "the context claim has no id")
		}
	}
	if m.Type == ResourceLinkRequest || m.Type == SubmissionReviewRequest {
		link := c.object(claimLTI + "resource_link")
		m.Link = &ResourceLink{ID: link.id("id"), Title: link.label("title", longestLabel), Description: link.label("description", longestText)}
		if m.Link.ID == "" && c.fault.reason == "" {
			return refuse(ReasonLinkMissing, m.Platform, "the message has no resource_link.id")
		}
	}
	shown := c.object(claimLTI + "launch_presentation")
	m.Locale, m.Target = shown.label("locale", 35), shown.label("document_target", 10)
	if back := shown.label("return_url", longestURL); secure(back) {
		m.Return = back // a link for people; a bad one is only left out
	}
	return nil
}

// readForUser is whom a review or a data privacy launch is about
// (Submission Review 1.0, section 3.4).
func readForUser(m *Message, c object) *Refusal {
	if m.Type != SubmissionReviewRequest && m.Type != DataPrivacyRequest {
		return nil
	}
	about := c.object(claimLTI + "for_user")
	id := or(about.id("user_id"), about.id("id"))
	if id == "" {
		if m.Type == SubmissionReviewRequest && c.fault.reason == "" {
			return refuse(ReasonForUserMissing, m.Platform, "the message has no for_user.user_id")
		}
		return nil
	}
	m.ForUser = &User{
		Subject: id, Name: about.label("name", longestLabel), Given: about.label("given_name", longestLabel),
		Family: about.label("family_name", longestLabel), Email: about.label("email", longestLabel),
		SourcedID: about.label("person_sourcedid", longestID),
	}
	return nil
}
