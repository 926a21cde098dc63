package facts

import (
	"os"
	"path"
	"path/filepath"
	"strings"
)

// A service is known by a unit of systemd's or a script in /etc/init.d. It is
// running if a process runs the program that the unit or the script names:
// most guests have no systemd that could be asked, and where there is one the
// answer is the same. It is enabled if something starts it with the machine: a
// link in a target's wants, or in /etc/rc2.d to rc5.d where no systemd runs.
func (m *Machine) service(f Fact) (seen, error) {
	name := strings.TrimSuffix(f.Subject, ".service")
	unit := m.unit(name)
	script, err := m.readSmall("/etc/init.d/" + name)
	if unit == "" && err != nil {
		return seen{missing: "no such service", fields: map[string][]string{"running": {"false"}, "enabled": {"false"}}}, nil
	}
	running := m.runs(programsOf(unit, script))
	return seen{fields: map[string][]string{"running": {boolText(running)}, "enabled": {boolText(m.enabled(name))}}}, nil
}

var unitFolders = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system", "/lib/systemd/system"}

func (m *Machine) unit(name string) string {
	for _, dir := range unitFolders {
		if text, err := m.readSmall(dir + "/" + name + ".service"); err == nil && text != "" {
			return text
		}
	}
	return ""
}

// programsOf finds what a service runs: ExecStart= of a unit; in a script what
// DAEMON and its like are set to.
func programsOf(unit, script string) []string {
	var found []string
	add := func(command string) {
		words := strings.Fields(command)
		if len(words) == 0 {
			return
		}
		if program := strings.Trim(strings.TrimLeft(words[0], "-@:+!"), `"'`); strings.HasPrefix(program, "/") {
			found = append(found, program)
		}
		// An interpreter's program is its first argument that is a path.
		for _, w := range words[1:] {
			if strings.HasPrefix(w, "/") {
				found = append(found, w)
			}
			if !strings.HasPrefix(w, "-") {
				break
			}
		}
	}
	for line := range strings.Lines(unit) {
		if command, ok := strings.CutPrefix(strings.TrimSpace(line), "ExecStart="); ok {
			add(command)
		}
	}
	for line := range strings.Lines(script) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "DAEMON", "DAEMON_PATH", "EXEC", "BIN", "PROG", "SSHD":
			add(strings.Trim(value, `"'`))
		case "start-stop-daemon":
		}
		if _, after, ok := strings.Cut(line, "--exec "); ok {
			add(after)
		}
	}
	return found
}

// runs says whether a process runs one of the programs: as itself, or as the
// script that an interpreter was given.
func (m *Machine) runs(programs []string) bool {
	for _, p := range programs {
		real, err := filepath.EvalSymlinks(m.path(p))
		if err != nil {
			real = p
		}
		want, err := os.Stat(real)
		if err != nil {
			continue
		}
		interpreted := isScript(real)
		for _, t := range m.readTasks() {
			if t.program == real || t.program == p {
				return true
			}
			if got, err := os.Stat(t.program); err == nil && os.SameFile(got, want) {
				return true
			}
			if interpreted && len(t.args) > 1 && (t.args[1] == p || t.args[1] == real || t.comm == path.Base(p)) {
				return true
			}
		}
	}
	return false
}

func isScript(path string) bool {
	file, err := openRegular(path)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	start := make([]byte, 2)
	n, _ := file.Read(start)
	return string(start[:n]) == "#!"
}

func (m *Machine) enabled(name string) bool {
	for _, pattern := range []string{"/etc/systemd/system/*.wants/", "/etc/systemd/system/*.requires/"} {
		if found, _ := filepath.Glob(m.path(pattern + escapeGlob(name) + ".service")); len(found) > 0 {
			return true
		}
	}
	if _, err := os.Stat(m.path("/run/systemd/system")); err == nil {
		return false // systemd runs, and asks nobody else
	}
	found, _ := filepath.Glob(m.path("/etc/rc[2345].d/S[0-9][0-9]" + escapeGlob(name)))
	return len(found) > 0
}

func escapeGlob(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(name)
}
