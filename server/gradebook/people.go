package gradebook

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/labmark/labmark/server/store"
)

// kinds of identity, the surest first. A name alone is the last resort.
var kinds = []string{"user", "platform", "number", "username", "email", "name"}

// identityColumns are what tables call them, in lower case.
var identityColumns = map[string]string{
	"user": "user", "labmark id": "user",
	"id":        "platform", // Canvas
	"id_number": "number", "id number": "number", "idnumber": "number", "sis user id": "number", "student number": "number",
	"username": "username", "sis login id": "username", "login": "username",
	"email": "email", "email address": "email",
	"student": "name", "name": "name", "first name": "given", "firstname": "given", "last name": "family", "lastname": "family", "surname": "family",
}

// identities are what one member may be called in a table, by kind.
func identities(m store.Member) map[string][]string {
	given, family := names(m.User)
	return map[string][]string{
		"user":     {strconv.FormatUint(uint64(m.User.ID), 10)},
		"platform": {m.PlatformNumber}, "number": {m.SourcedID}, "username": {username(m.User)}, "email": {m.Email},
		"name": {m.Called(), sortable(m.User), strings.TrimSpace(given + " " + family)},
	}
}

// find looks for the one student whom a line means. Everything in it that is
// known to belong to somebody must belong to the same one.
func (in *importing) find(who map[string]string) (m *store.Member, says, mend string) {
	var by string
	for _, kind := range kinds {
		text := who[kind]
		if text == "" || kind == "name" && m != nil { // people change names
			continue
		}
		found, several := in.lookUp(kind, text)
		switch {
		case several && m == nil && kind == "name":
			return nil, fmt.Sprintf("Several students are called %s.", text), "Add a column with their email, username or id_number."
		case several || found == nil:
			continue
		case m != nil && m.User.ID != found.User.ID:
			return nil, fmt.Sprintf("%s is %s, but %s is %s.", by, m.Called(), text, found.Called()), "Correct one of the two."
		}
		m, by = found, text
	}
	if m == nil {
		return nil, fmt.Sprintf("There is no student %s here.", describe(who)), "Write an email, username or id_number as the export has it."
	}
	return m, "", ""
}

func (in *importing) lookUp(kind, text string) (found *store.Member, several bool) {
	if in.index == nil {
		in.index = map[string][]*store.Member{}
		for i := range in.students {
			m := &in.students[i]
			for kind, texts := range identities(*m) {
				seen := map[string]bool{}
				for _, t := range texts {
					if key := indexKey(kind, t); t != "" && !seen[key] {
						seen[key] = true
						in.index[key] = append(in.index[key], m)
					}
				}
			}
		}
	}
	switch list := in.index[indexKey(kind, text)]; len(list) {
	case 0:
		return nil, false
	case 1:
		return list[0], false
	}
	return nil, true
}

func indexKey(kind, text string) string { return kind + " " + strings.ToLower(strings.TrimSpace(text)) }

// describe is how a line names its student.
func describe(who map[string]string) string {
	for _, kind := range []string{"name", "email", "username", "number", "platform", "user"} {
		if who[kind] != "" {
			return who[kind]
		}
	}
	return "without a name"
}
