package checks

import (
	_ "embed"
	"fmt"
	"regexp"
	"sort"
	"strings"
)

//go:embed prelude/bash.sh
var preludeBash string

//go:embed prelude/sh.sh
var preludeSh string

//go:embed prelude/python.py
var preludePython string

// The guest's own programs come first, so that a student's /usr/local/bin/test
// does not upset every check.
const path = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"

// toolboxPath is the PATH of scripts that have the toolbox, see package agent:
// what that lacks is the guest's own.
const toolboxPath = "/proc/fs:" + path

// program is a Script in the form in which it is sent to a guest. The script
// goes through standard input, because arguments are seen by anyone's ps.
type program struct {
	// subsystem is asked for with the command as its first line of input; where
	// it is empty the command is executed.
	subsystem string
	command   string
	input     string
	records   recordFormat
	// id marks the processes of this run by their environment.
	id string
}

var (
	userName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)
	varName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// newProgram puts a script and what belongs around it together. The nonce
// marks the records in the script's standard error.
func newProgram(s Script, nonce, id string) (program, error) {
	if err := s.validate(); err != nil {
		return program{}, err
	}
	names := s.names()
	p := program{id: id, records: recordFormat{separator: "\x1e" + nonce, values: names}}
	user := s.User
	if user == "" {
		user = "root"
	}
	home := "~" + user
	if s.brings() {
		return p, p.withTools(s, user)
	}
	switch s.Lang {
	case "", "bash":
		prelude := shellPrelude(preludeBash, s, p.records, user, path, home, id)
		// read -N takes whole blocks and not a byte more, needs neither /dev
		// nor /proc, and does not fork.
		load := loadBash(prelude, s.Body)
		p.input = prelude + s.Body
		p.command = become(s.User, id, "/bin/bash --noprofile --norc -c "+ShellQuote(load))
		if s.User == "" || s.User == "root" {
			// A bash that was not started by an ordinary sshd has a clean
			// environment already: a second one would cost milliseconds.
			p.command = `[ "$BASH_VERSION" ]&&[ -z "$SSH_CONNECTION$SSH_CLIENT" ]||` + p.command + ";" + load
		}
	case "sh":
		p.input = shellPrelude(preludeSh, s, p.records, user, path, home, id) + "eval " + ShellQuote(s.Body) + "\n"
		p.command = become(s.User, id, `/bin/sh -c `+ShellQuote(`s=$(cat);eval "$s"`))
	case "python":
		p.input = pythonPrelude(s, p.records, user, id)
		p.command = become(s.User, id, `/usr/bin/python3 -IBc `+ShellQuote(`import sys;exec(sys.stdin.buffer.read())`))
	}
	return p, nil
}

// loadBash is a script of bash that reads two more and runs them.
func loadBash(prelude, body string) string {
	return fmt.Sprintf(`LC_ALL=C read -rN %d p;LC_ALL=C read -rN %d s;eval "$p";eval "$s"`, len(prelude), len(body))
}

// become returns a shell command that turns into argv, run by user with no
// environment but the run's mark. setpriv, unlike su and runuser, neither forks nor asks
// PAM, which a student may have upset.
func become(user, id, argv string) string {
	clean := "exec /usr/bin/env -i LABMARK_RUN=" + id + " "
	if user == "" || user == "root" {
		return clean + argv
	}
	return fmt.Sprintf(`g=$(/usr/bin/id -g %[1]s)&&%[2]s/usr/bin/setpriv --reuid=%[1]s --regid="$g" --init-groups %[3]s`, user, clean, argv)
}

func (s Script) validate() error {
	switch s.Lang {
	case "", "bash", "sh", "python":
	default:
		return fmt.Errorf("%w: there is no language %q (there are bash, sh and python)", ErrScript, s.Lang)
	}
	if s.User != "" && !userName.MatchString(s.User) {
		return fmt.Errorf("%w: %q cannot be a user's name", ErrScript, s.User)
	}
	if strings.ContainsRune(s.Body, 0) {
		return fmt.Errorf("%w: the script contains a NUL byte", ErrScript)
	}
	for name, value := range s.Vars {
		if !varName.MatchString(name) {
			return fmt.Errorf("%w: %q cannot be a variable's name", ErrScript, name)
		}
		if strings.ContainsRune(value, 0) {
			return fmt.Errorf("%w: variable %s contains a NUL byte", ErrScript, name)
		}
	}
	return nil
}

// names returns the variables that the messages mention.
func (s Script) names() []string {
	var names []string
	seen := map[string]bool{}
	for _, message := range []string{s.PassMessage, s.FailMessage} {
		for _, part := range parseMessage(message) {
			if part.name != "" && !seen[part.name] {
				seen[part.name] = true
				names = append(names, part.name)
			}
		}
	}
	return names
}

// mayVanish tells whether a script may end without passing its end: by turning
// into another program. Only then is its start worth a record of its own.
func (s Script) mayVanish() bool {
	return strings.Contains(s.Body, "exec") || strings.Contains(s.Body, "_exit") || strings.Contains(s.Body, "builtin")
}

func shellPrelude(text string, s Script, f recordFormat, user, path, home, id string) string {
	// In a printf format, octal escapes keep the separator itself out of what
	// "set -x" shows.
	format := strings.Repeat(`\036`+f.separator[1:]+"%s", f.fields()) + `\036` + f.separator[1:]
	var values, vars strings.Builder
	for _, name := range f.values {
		fmt.Fprintf(&values, ` "${%s-}"`, name)
	}
	for _, name := range sortedKeys(s.Vars) {
		fmt.Fprintf(&vars, "export %s=%s\n", name, ShellQuote(s.Vars[name]))
	}
	early := ""
	if s.mayVanish() {
		early = "__lm_kind=start; __lm_say ''; __lm_kind="
	}
	return strings.NewReplacer("@PATH@", path, "@HOME@", home, "@USER@", user, "@RUN@", id, "@FORMAT@", ShellQuote(format),
		"@VALUES@", values.String(), "@EARLY@", early).Replace(withoutComments(text)) + vars.String()
}

func pythonPrelude(s Script, f recordFormat, user, id string) string {
	var vars, names strings.Builder
	for _, name := range sortedKeys(s.Vars) {
		fmt.Fprintf(&vars, "%s:%s,", pythonBytes(name), pythonBytes(s.Vars[name]))
	}
	for _, name := range f.values {
		fmt.Fprintf(&names, "%q,", name)
	}
	early := "False"
	if s.mayVanish() {
		early = "True"
	}
	return strings.NewReplacer("@PATH@", `"`+path+`"`, "@HOME@", `os.path.expanduser("~`+user+`")`, "@USER@", `"`+user+`"`,
		"@RUN@", `"`+id+`"`, "@VARS@", "{"+vars.String()+"}", "@NAMES@", "["+names.String()+"]", "@SEP@", `"\x1e`+f.separator[1:]+`"`,
		"@EARLY@", early, "@BODY@", pythonBytes(s.Body)).Replace(withoutComments(preludePython))
}

// withoutComments drops whole-line comments, which need not travel.
func withoutComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimLeft(line, " "), "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// ShellQuote returns s as one word of a POSIX shell.
func ShellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// pythonBytes returns s as a bytes literal.
func pythonBytes(s string) string {
	var b strings.Builder
	b.WriteString(`b"`)
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteString(`"`)
	return b.String()
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
