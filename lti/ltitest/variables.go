package ltitest

import (
	"strconv"
	"strings"
)

// custom are the tool's and the link's custom parameters, with variables
// filled in. Those that the platform does not know stay as they were written.
func (p *Platform) custom(who parties) map[string]string {
	out := map[string]string{}
	for name, value := range who.tool.Custom {
		out[name] = p.expand(value, who)
	}
	if who.link != nil {
		for name, value := range who.link.Custom {
			out[name] = p.expand(value, who)
		}
	}
	return out
}

func (p *Platform) expand(value string, who parties) string {
	name, is := strings.CutPrefix(value, "$")
	if !is {
		return value
	}
	if v, known := p.variable(name, who); known {
		return v
	}
	return value
}

// variable gives the value of a variable that the platform knows.
func (p *Platform) variable(name string, who parties) (value string, known bool) {
	u := who.user
	if p.cfg.Kind == Canvas {
		if v, known := canvasVariable(name, who); known {
			return v, true
		}
	}
	switch name {
	case "User.id":
		return u.ID, true
	case "User.username":
		return u.Username, true
	case "Person.name.full":
		return u.Name(), true
	case "Person.name.given":
		return u.Given, true
	case "Person.name.family":
		return u.Family, true
	case "Person.email.primary":
		return u.Email, true
	case "Person.sourcedId":
		return u.SourcedID, true
	}
	if who.course != nil {
		switch name {
		case "Context.id":
			return who.course.ID, true
		case "Context.title", "CourseSection.title":
			return who.course.Title, true
		case "Context.label", "CourseSection.label":
			return who.course.Label, true
		case "Context.sourcedId", "CourseSection.sourcedId":
			return who.course.SourcedID, true
		case "Context.id.history":
			return "", true
		case "Membership.role":
			return strings.Join(who.course.roles[u.ID], ","), true
		}
	}
	if who.link != nil {
		switch name {
		case "ResourceLink.id":
			return who.link.ID, true
		case "ResourceLink.title":
			return who.link.Title, true
		case "ResourceLink.description":
			return who.link.Description, true
		}
	}
	return "", false
}

func canvasVariable(name string, who parties) (value string, known bool) {
	switch name {
	case "Canvas.user.id":
		return strconv.Itoa(who.user.Number), true
	case "Canvas.user.loginId":
		return who.user.Username, true
	case "Canvas.user.sisSourceId":
		return who.user.SourcedID, true
	case "Canvas.course.id":
		return numberOf(who.course), who.course != nil
	case "Canvas.course.sisSourceId":
		if who.course != nil {
			return who.course.SourcedID, true
		}
	case "Canvas.assignment.pointsPossible":
		if who.item != nil {
			return strconv.FormatFloat(who.item.max, 'g', -1, 64), true
		}
	case "ResourceLink.available.startDateTime":
		if who.link != nil && who.link.Available != nil {
			return iso(*who.link.Available), true
		}
	case "ResourceLink.submission.endDateTime":
		if who.link != nil && who.link.Due != nil {
			return iso(*who.link.Due), true
		}
	}
	return "", false
}

func numberOf(c *Course) string {
	if c == nil {
		return ""
	}
	return strconv.Itoa(c.Number)
}
