package facts

import (
	"slices"
	"strconv"
	"strings"
)

// accounts are the lines of /etc/passwd and /etc/group, read once.
type accounts struct {
	read   bool
	users  [][]string
	groups [][]string
}

func (m *Machine) readAccounts() {
	if m.accounts.read {
		return
	}
	m.accounts.read = true
	passwd, _ := m.readSmall("/etc/passwd")
	lines(passwd, func(f []string) {
		if len(f) >= 7 {
			m.accounts.users = append(m.accounts.users, f)
		}
	})
	group, _ := m.readSmall("/etc/group")
	lines(group, func(f []string) {
		if len(f) >= 4 {
			m.accounts.groups = append(m.accounts.groups, f)
		}
	})
}

// named finds the first line whose field at has this value; nil if none has.
func named(list [][]string, at int, value string) []string {
	i := slices.IndexFunc(list, func(f []string) bool { return f[at] == value })
	if i < 0 {
		return nil
	}
	return list[i]
}

// ownerName and groupName give a name, or the number where it has none.
func (m *Machine) ownerName(uid uint32) string {
	m.readAccounts()
	number := strconv.FormatUint(uint64(uid), 10)
	if f := named(m.accounts.users, 2, number); f != nil {
		return f[0]
	}
	return number
}

func (m *Machine) groupName(gid uint32) string {
	m.readAccounts()
	number := strconv.FormatUint(uint64(gid), 10)
	if f := named(m.accounts.groups, 2, number); f != nil {
		return f[0]
	}
	return number
}

func (m *Machine) user(f Fact) (seen, error) {
	m.readAccounts()
	line := named(m.accounts.users, 0, f.Subject)
	if line == nil {
		return seen{fields: map[string][]string{"exists": {"false"}}, missing: "no such user"}, nil
	}
	var groups []string
	for _, g := range m.accounts.groups {
		if g[2] == line[3] || slices.Contains(strings.Split(g[3], ","), f.Subject) {
			groups = append(groups, g[0])
		}
	}
	s := seen{missing: "nothing", fields: map[string][]string{"exists": {"true"}, "uid": {line[2]}, "gid": {line[3]},
		"home": {line[5]}, "shell": {line[6]}, "groups": groups}}
	if shadow, err := m.readSmall("/etc/shadow"); err == nil {
		locked := line[1] != "x" && strings.HasPrefix(line[1], "*")
		lines(shadow, func(l []string) {
			if len(l) > 1 && l[0] == f.Subject {
				locked = strings.HasPrefix(l[1], "!") || strings.HasPrefix(l[1], "*")
			}
		})
		s.fields["locked"] = []string{boolText(locked)}
	}
	return s, nil
}

func (m *Machine) group(f Fact) (seen, error) {
	m.readAccounts()
	line := named(m.accounts.groups, 0, f.Subject)
	if line == nil {
		return seen{fields: map[string][]string{"exists": {"false"}}, missing: "no such group"}, nil
	}
	var members []string
	for _, name := range strings.Split(line[3], ",") {
		if name != "" {
			members = append(members, name)
		}
	}
	for _, u := range m.accounts.users {
		if u[3] == line[2] && !slices.Contains(members, u[0]) {
			members = append(members, u[0])
		}
	}
	return seen{fields: map[string][]string{"exists": {"true"}, "gid": {line[2]}, "members": members}}, nil
}
