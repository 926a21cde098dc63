package facts

import (
	"fmt"
	"path"
	"strings"
)

// mount sees what is mounted at a place last.
func (m *Machine) mount(f Fact) (seen, error) {
	text, err := readProc("/proc/self/mountinfo", maxSockets)
	if err != nil {
		return seen{}, fmt.Errorf("the list of mounts can't be read: %w", err)
	}
	s := seen{missing: "nothing mounted there", fields: map[string][]string{"mounted": {"false"}}}
	for line := range strings.Lines(string(text)) {
		if found, ok := parseMount(line, path.Clean(f.Subject)); ok {
			s.fields = found
		}
	}
	return s, nil
}

// parseMount reads a line of mountinfo, see proc(5): six fields and more up to
// a "-", then the type, the source and the options of the file system.
func parseMount(line, point string) (map[string][]string, bool) {
	before, after, _ := strings.Cut(line, " - ")
	b, a := strings.Fields(before), strings.Fields(after)
	if len(b) < 6 || len(a) < 3 || unescape(b[4]) != point {
		return nil, false
	}
	options := append(strings.Split(b[5], ","), strings.Split(a[2], ",")...)
	return map[string][]string{"mounted": {"true"}, "type": {a[0]}, "source": {unescape(a[1])}, "options": options}, true
}

// unescape undoes the octal form of blanks in the kernel's lists.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// sysctlPath finds the file of a setting of the kernel.
func sysctlPath(key string) (string, error) {
	parts := strings.Split(key, "/")
	if len(parts) == 1 {
		parts = strings.Split(key, ".")
	}
	for _, p := range parts {
		if p == "" || p == "." || p == ".." || strings.ContainsAny(p, " \t\n") {
			return "", fmt.Errorf("a setting of the kernel looks like %s", kinds["sysctl"].example)
		}
	}
	return "/proc/sys/" + strings.Join(parts, "/"), nil
}

func (m *Machine) sysctl(f Fact) (seen, error) {
	name, err := sysctlPath(f.Subject)
	if err != nil {
		return seen{}, err
	}
	text, err := readProc(name, 4<<10)
	if err != nil {
		return seen{missing: "no such setting"}, nil
	}
	return seen{fields: map[string][]string{"value": {strings.Join(strings.Fields(string(text)), " ")}}}, nil
}
