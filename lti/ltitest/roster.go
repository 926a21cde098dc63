package ltitest

import (
	"net/http"
	"slices"
)

const membersType = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"

// serveMembers is the membership service (NRPS 2.0, section 2.2). Moodle's
// roles are bare names.
func (p *Platform) serveMembers(w http.ResponseWriter, r *http.Request) {
	g, ok := p.grader(w, r, membersType, ScopeRoster)
	if !ok {
		return
	}
	role := r.URL.Query().Get("role")
	p.mu.Lock()
	list := []any{}
	for _, u := range p.users {
		names := g.course.roles[u.ID]
		if len(names) == 0 {
			continue
		}
		if role != "" && !slices.ContainsFunc(names, func(n string) bool { return n == role || roleURI(n) == role }) {
			continue
		}
		list = append(list, p.memberJSON(u, names))
	}
	id := p.membersURL(g.course, g.tool)
	context := map[string]any{"id": g.course.ID, "label": g.course.Label, "title": g.course.Title}
	p.mu.Unlock()
	w.Header().Set("Content-Type", membersType)
	part := p.page(w, r, list, p.size(r, 0, 50), false)
	if p.Faults().HugeBodies {
		write(w, hugeBody())
		return
	}
	answer(w, http.StatusOK, map[string]any{"id": id, "context": context, "members": part})
}

func (p *Platform) memberJSON(u *User, roles []string) map[string]any {
	m := person(u)
	m["user_id"], m["status"] = u.ID, "Active"
	m["roles"] = roles
	if p.cfg.Kind == Canvas {
		var full []string
		for _, r := range roles {
			full = append(full, roleURI(r))
		}
		m["roles"] = full
	}
	if u.Withhold == Nothing {
		if u.SourcedID != "" {
			m["lis_person_sourcedid"] = u.SourcedID
		}
		if p.cfg.Kind == Moodle {
			m["ext_user_username"] = u.Username
		}
	}
	return m
}
