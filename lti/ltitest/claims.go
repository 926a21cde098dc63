package ltitest

import (
	"fmt"
	"maps"
	"time"
)

const (
	claim = "https://purl.imsglobal.org/spec/lti/claim/"
	dl    = "https://purl.imsglobal.org/spec/lti-dl/claim/"
	ags   = "https://purl.imsglobal.org/spec/lti-ags/"
	nrps  = "https://purl.imsglobal.org/spec/lti-nrps/"
)

// Claims are those of an honest message, to sign or to alter before. They can
// be marshalled; each call gives new ones.
func (p *Platform) Claims(m Message, nonce string) (map[string]any, error) {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	who, err := p.resolve(m)
	if err != nil {
		return nil, err
	}
	// Moodle sends a review that opens in a window as an ordinary launch.
	if p.cfg.Kind == Moodle && who.Type == SubmissionReview && who.window() {
		who.Type, who.forUser = ResourceLink, nil
	}
	life := time.Minute
	if p.cfg.Kind == Canvas {
		life = time.Hour
	}
	c := map[string]any{
		"iss": p.cfg.Issuer, "aud": who.tool.ClientID, "sub": who.user.ID, "nonce": nonce,
		"iat": now.Unix(), "exp": now.Add(life).Unix(),
		claim + "version":         "1.3.0",
		claim + "message_type":    who.Type,
		claim + "deployment_id":   who.tool.Deployments[0],
		claim + "target_link_uri": p.target(who),
		claim + "tool_platform":   p.installation(),
		claim + "custom":          p.custom(who),
	}
	p.describeUser(c, who)
	if who.course != nil {
		p.describeCourse(c, who)
	}
	if who.link != nil {
		p.describeLink(c, who)
	}
	if who.Type == DeepLinking {
		c[dl+"deep_linking_settings"] = p.linkingSettings(who)
	}
	if who.forUser != nil {
		about := map[string]any{"user_id": who.forUser.ID}
		if p.cfg.Kind == Canvas {
			maps.Copy(about, person(who.forUser))
		}
		c[claim+"for_user"] = about
	}
	p.present(c, who)
	return c, nil
}

func (p *Platform) target(who parties) string {
	if who.link != nil && who.link.URL != "" {
		return who.link.URL
	}
	if len(who.tool.LaunchURLs) > 0 {
		return who.tool.LaunchURLs[0]
	}
	return ""
}

func (p *Platform) installation() map[string]any {
	version := "2025100600.02"
	if p.cfg.Kind == Canvas {
		version = "cloud"
	}
	return map[string]any{
		"guid": "pretend-" + string(p.cfg.Kind), "name": p.cfg.Name, "version": version,
		"product_family_code": string(p.cfg.Kind), "description": "A platform for tests",
	}
}

// person are the claims of a user that are not withheld.
func person(u *User) map[string]any {
	c := map[string]any{}
	if u.Withhold != Names {
		c["name"], c["given_name"], c["family_name"] = u.Name(), u.Given, u.Family
		if u.Withhold != Email && u.Email != "" {
			c["email"] = u.Email
		}
	}
	return c
}

func (p *Platform) describeUser(c map[string]any, who parties) {
	maps.Copy(c, person(who.user))
	lis := map[string]any{}
	if who.user.SourcedID != "" && who.user.Withhold == Nothing {
		lis["person_sourcedid"] = who.user.SourcedID
	}
	if who.course != nil && who.course.SourcedID != "" {
		lis["course_section_sourcedid"] = who.course.SourcedID
	}
	if p.cfg.Kind == Canvas {
		c["azp"] = who.tool.ClientID
		c["locale"] = "en"
		c["https://www.instructure.com/placement"] = placement(who)
	} else if who.user.Withhold == Nothing {
		c[claim+"ext"] = map[string]any{"user_username": who.user.Username, "lms": "moodle-2"}
	}
	c[claim+"lis"] = lis
	c[claim+"roles"] = p.roles(who)
}

// roles are full URIs, as both platforms send in launches.
func (p *Platform) roles(who parties) []string {
	var out []string
	if who.course != nil {
		for _, r := range who.course.roles[who.user.ID] {
			out = append(out, roleURI(r))
		}
	}
	if p.cfg.Kind == Canvas || out == nil {
		out = append(out, "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"+institutionRole(out))
	}
	if p.cfg.Kind == Canvas {
		out = append(out, "http://purl.imsglobal.org/vocab/lis/v2/system/person#User")
	}
	return out
}

func roleURI(name string) string {
	if name == "TeachingAssistant" {
		return "http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant"
	}
	return "http://purl.imsglobal.org/vocab/lis/v2/membership#" + name
}

func institutionRole(course []string) string {
	for _, r := range course {
		if r == roleURI("Instructor") {
			return "Instructor"
		}
	}
	return "Student"
}

func (p *Platform) describeCourse(c map[string]any, who parties) {
	kind := "CourseSection"
	if p.cfg.Kind == Canvas {
		kind = "http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"
	}
	c[claim+"context"] = map[string]any{
		"id": who.course.ID, "label": who.course.Label, "title": who.course.Title, "type": []string{kind},
	}
	endpoint := map[string]any{"scope": p.gradeScopes(who.tool), "lineitems": p.lineItemsURL(who.course, who.tool)}
	if who.item != nil {
		endpoint["lineitem"] = p.lineItemURL(who.course, who.tool, who.item)
	}
	c[ags+"claim/endpoint"] = endpoint
	versions := []string{"2.0"}
	if p.cfg.Kind == Moodle {
		versions = []string{"1.0", "2.0"}
	}
	if who.tool.grants(ScopeRoster) {
		c[nrps+"claim/namesroleservice"] = map[string]any{
			"context_memberships_url": p.membersURL(who.course, who.tool), "service_versions": versions,
		}
	}
}

func (p *Platform) describeLink(c map[string]any, who parties) {
	c[claim+"resource_link"] = map[string]any{
		"id": who.link.ID, "title": who.link.Title, "description": who.link.Description,
	}
	if p.cfg.Kind == Moodle {
		c["https://purl.imsglobal.org/spec/lti-bo/claim/basicoutcome"] = map[string]any{
			"lis_result_sourcedid":    fmt.Sprintf(`{"data":{"instanceid":%q,"userid":%q}}`, who.link.ID, who.user.ID),
			"lis_outcome_service_url": p.cfg.Host + "/mod/lti/service.php",
		}
	}
}

func (p *Platform) present(c map[string]any, who parties) {
	out := map[string]any{"locale": "en"}
	switch {
	case who.Type == DeepLinking && p.cfg.Kind == Moodle:
		// Moodle says no more for deep linking, though it opens in an iframe.
	case who.window():
		out["document_target"] = "window"
	default:
		out["document_target"] = "iframe"
	}
	if who.link != nil {
		out["return_url"] = p.courseURL(who.course) + "/back?link=" + who.link.ID
		if p.cfg.Kind == Moodle {
			container := 3 // of mod_lti: embedded without blocks; 4 is a window
			if who.window() {
				container = 4
			}
			out["return_url"] = fmt.Sprintf("%s/mod/lti/return.php?course=%d&launch_container=%d&instanceid=%s", p.cfg.Host, who.course.Number, container, who.link.ID)
		}
	}
	if p.cfg.Kind == Canvas {
		out["width"], out["height"] = 800, 600
	}
	c[claim+"launch_presentation"] = out
}
