package facts

import (
	"bufio"
	"strings"
)

// packageList is what dpkg says is there.
type packageList struct {
	versions map[string]string // of what is installed
	err      error
}

// maxStatus bounds what is read of dpkg's list, in bytes.
const maxStatus = 64 << 20

func (m *Machine) packaged(f Fact) (seen, error) {
	if m.packages == nil {
		m.packages = m.readPackages()
	}
	if m.packages.err != nil {
		return seen{missing: "no list of packages: " + why(m.packages.err)}, nil
	}
	version, installed := m.packages.versions[f.Subject]
	s := seen{missing: "that it is not installed", fields: map[string][]string{"installed": {boolText(installed)}}}
	if installed {
		s.fields["version"] = []string{version}
	}
	return s, nil
}

// readPackages reads /var/lib/dpkg/status: paragraphs of "Name: value".
func (m *Machine) readPackages() *packageList {
	file, err := openRegular(m.path("/var/lib/dpkg/status"))
	if err != nil {
		return &packageList{err: err}
	}
	defer func() { _ = file.Close() }()
	list := &packageList{versions: map[string]string{}}
	var name, status, version string
	end := func() {
		if name != "" && strings.HasSuffix(status, " ok installed") {
			list.versions[name] = version
		}
		name, status, version = "", "", ""
	}
	text := bufio.NewScanner(file)
	text.Buffer(make([]byte, 64<<10), 1<<20)
	for total := 0; total < maxStatus && text.Scan(); {
		line := text.Text()
		total += len(line) + 1
		if line == "" {
			end()
		} else if v, ok := strings.CutPrefix(line, "Package: "); ok {
			name = v
		} else if v, ok := strings.CutPrefix(line, "Status: "); ok {
			status = v
		} else if v, ok := strings.CutPrefix(line, "Version: "); ok {
			version = v
		}
	}
	end()
	return list
}
