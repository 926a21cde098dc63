package agent

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// account is a line of /etc/passwd with the groups of /etc/group.
type account struct {
	name        string
	uid, gid    uint32
	groups      []uint32
	home, shell string
}

// lookup finds name in root's /etc/passwd (root is "/" but in tests). Root can
// always log in, also when the student has broken or removed the file.
func lookup(root, name string) (account, error) {
	acct, found, err := readPasswd(filepath.Join(root, "etc/passwd"), name)
	switch {
	case found && (name != "root" || acct.uid == 0):
		acct.groups = readGroups(filepath.Join(root, "etc/group"), acct)
		return acct, nil
	case name == "root":
		return account{name: "root", home: "/root"}, nil
	case err != nil:
		return account{}, fmt.Errorf("the guest's /etc/passwd cannot be read, so only root can log in: %w", err)
	}
	return account{}, fmt.Errorf("the guest has no user %q in /etc/passwd", name)
}

func readPasswd(path, name string) (acct account, found bool, err error) {
	err = eachLine(path, func(f []string) bool {
		if len(f) < 7 || f[0] != name {
			return true
		}
		uid, err1 := strconv.ParseUint(f[2], 10, 32)
		gid, err2 := strconv.ParseUint(f[3], 10, 32)
		if err1 != nil || err2 != nil {
			return true
		}
		found = true
		acct = account{name: name, uid: uint32(uid), gid: uint32(gid), home: f[5], shell: f[6]}
		return false
	})
	return acct, found, err
}

// readGroups returns the groups that acct is in. A broken file costs groups,
// not the login.
func readGroups(path string, acct account) []uint32 {
	groups := []uint32{acct.gid}
	_ = eachLine(path, func(f []string) bool {
		if len(f) < 4 || !slices.Contains(strings.Split(f[3], ","), acct.name) {
			return true
		}
		if gid, err := strconv.ParseUint(f[2], 10, 32); err == nil && !slices.Contains(groups, uint32(gid)) {
			groups = append(groups, uint32(gid))
		}
		return true
	})
	return groups
}

// eachLine calls f with the fields of each line until it returns false. Lines
// of more than 64 KB end the reading, as they would take the agent's memory.
func eachLine(path string, f func(fields []string) bool) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if !f(strings.Split(lines.Text(), ":")) {
			return nil
		}
	}
	return lines.Err()
}

// own makes a process the account's.
func (acct account) own(sys *syscall.SysProcAttr) {
	if int(acct.uid) != os.Getuid() || os.Getuid() == 0 {
		sys.Credential = &syscall.Credential{Uid: acct.uid, Gid: acct.gid, Groups: acct.groups}
	}
}

// shells returns what to try for acct, best first. The account's own shell is
// for terminals; commands run under bash whatever it is, so that checks can
// run as accounts that cannot log in.
func (acct account) shells(terminal bool) []string {
	shells := []string{"/bin/bash", "/bin/sh"}
	if terminal && strings.HasPrefix(acct.shell, "/") && !slices.Contains(shells, acct.shell) {
		shells = append([]string{acct.shell}, shells...)
	}
	if terminal && acct.shell == "/bin/sh" {
		slices.Reverse(shells)
	}
	return shells
}

// environment is the clean one that a session starts with; extra comes last.
func (acct account) environment(shell string, extra []string) []string {
	return append([]string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + acct.home,
		"USER=" + acct.name,
		"LOGNAME=" + acct.name,
		"SHELL=" + shell,
		"LANG=C.UTF-8",
	}, extra...)
}
