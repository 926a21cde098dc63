package lti

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

const rosterType = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"

// Member is one person of a context's roster.
type Member struct {
	User
	Roles  []Role
	Active bool
}

// Members is the whole roster of a context, from the URL that a launch has
// told (NRPS 2.0, section 3). Names may be withheld.
func (c *Client) Members(ctx context.Context, p Platform, url string) ([]Member, error) {
	var all []Member
	seen := map[string]int{}
	k := call{op: OpMembers, method: http.MethodGet, url: url, accept: rosterType, scopes: [][]string{{ScopeRoster}}}
	err := c.list(ctx, p, k, func(body []byte) error {
		var page struct {
			Members *[]member `json:"members"`
		}
		if err := json.Unmarshal(body, &page); err != nil || page.Members == nil {
			return errors.New("no roster")
		}
		for _, in := range *page.Members {
			m, err := in.member()
			if err != nil {
				return err
			}
			// While pages are read, people move from one to another.
			if i, twice := seen[m.Subject]; twice {
				all[i] = m
				continue
			}
			seen[m.Subject] = len(all)
			all = append(all, m)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// member is a person as platforms send them.
type member struct {
	UserID    text   `json:"user_id"`
	Status    string `json:"status"`
	Name      string `json:"name"`
	Given     string `json:"given_name"`
	Family    string `json:"family_name"`
	Email     string `json:"email"`
	SourcedID text   `json:"lis_person_sourcedid"`
	Roles     []Role `json:"roles"`
	Username  string `json:"ext_user_username"`
}

// longest is the bound of one text of a roster, in characters.
const longest = 1000

func (in member) member() (Member, error) {
	if in.UserID == "" || len(in.UserID) > 255 {
		return Member{}, errors.New("a member of the roster has no user_id of 1 to 255 characters")
	}
	short := func(s string) string { return clean(s, longest) } // as launches have it
	return Member{
		User: User{Subject: string(in.UserID), Name: short(in.Name), Given: short(in.Given), Family: short(in.Family),
			Email: short(in.Email), SourcedID: short(string(in.SourcedID)), Username: short(in.Username)},
		Roles:  in.Roles[:min(len(in.Roles), 100)],
		Active: in.Status == "" || strings.EqualFold(in.Status, "Active"),
	}, nil
}
