package image

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

var (
	nameForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,39}$`)
	hostForm     = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	suiteForm    = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	packageForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)
	accountForm  = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	fullNameForm = regexp.MustCompile(`^[^:,=\x00-\x1f]*$`)
	moduleForm   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$`)
	sizeForm     = regexp.MustCompile(`^([1-9][0-9]{0,5})([MG])$`)
)

// The disk's bounds in bytes: ext4 with a journal needs some room, and more
// than a terabyte is a slip of the pen.
const (
	minDisk = 16 << 20
	maxDisk = 1 << 40
)

// check finds the first thing that is wrong, nil for a sound recipe.
func (r *Recipe) check() *problem {
	for _, find := range []func() *problem{r.checkHead, r.checkPackages, r.checkUsers, r.checkFiles, r.checkRun} {
		if p := find(); p != nil {
			return p
		}
	}
	return nil
}

func (r *Recipe) checkHead() *problem {
	switch {
	case r.Name == "":
		return wrong("$.name", "name is missing: courses choose the image by it")
	case !nameForm.MatchString(r.Name):
		return wrong("$.name", "a name has 1 to 40 of a-z, 0-9, dot and dash")
	case r.Base == "":
		return wrong("$.base", "base is missing: name a Debian suite, such as bookworm")
	case !suiteForm.MatchString(r.Base):
		return wrong("$.base", "base is a Debian suite, such as bookworm")
	case r.Variant != "" && r.Variant != Minbase && r.Variant != Extract:
		return wrong("$.variant", "variant is %s or %s", Minbase, Extract)
	case r.Hostname != "" && !hostForm.MatchString(r.Hostname):
		return wrong("$.hostname", "a host name has 1 to 63 of a-z, 0-9 and dash, without a dash at its ends")
	case r.arch().name == "":
		return wrong("$.arch", "arch is x86_64, aarch64 or s390x")
	case r.Kernel != "" && r.Kernel != Cloud && r.Kernel != Generic:
		return wrong("$.kernel", "kernel is %s or %s", Cloud, Generic)
	case r.Disk == "":
		return wrong("$.disk", "disk is missing: give its size, such as 2G")
	case r.diskSize() < minDisk || r.diskSize() > maxDisk:
		return wrong("$.disk", "disk is a whole number with M or G, from 16M to 1024G, such as 2G")
	}
	return nil
}

func (r *Recipe) checkPackages() *problem {
	has := map[string]bool{}
	for i, name := range r.Packages {
		if !packageForm.MatchString(name) {
			return wrong(fmt.Sprintf("$.packages[%d]", i), "%q is not the name of a Debian package", name)
		}
		has[name] = true
	}
	if r.Variant == Extract && !has["busybox-static"] {
		return wrong("$.packages", "the variant extract needs busybox-static among its packages")
	}
	if len(r.Modules) > 0 && !has["kmod"] {
		return wrong("$.modules", "modules need kmod among the packages, which loads them")
	}
	for i, u := range r.Users {
		if u.Sudo && !has["sudo"] {
			return wrong(fmt.Sprintf("$.users[%d].sudo", i), "sudo needs the package sudo")
		}
	}
	for i, name := range r.Modules {
		if !moduleForm.MatchString(name) {
			return wrong(fmt.Sprintf("$.modules[%d]", i), "a module is a path below /lib/modules/VERSION/kernel, such as net/netfilter")
		}
	}
	return nil
}

func (r *Recipe) checkUsers() *problem {
	names, numbers := map[string]bool{"root": true}, map[int]bool{}
	for i, u := range r.Users {
		here := fmt.Sprintf("$.users[%d]", i)
		switch {
		case !accountForm.MatchString(u.Name):
			return wrong(here+".name", "an account's name has 1 to 32 of a-z, 0-9, underscore and dash, and begins with a letter")
		case names[u.Name]:
			return wrong(here+".name", "there is an account %s already", u.Name)
		case u.UID < 1000 || u.UID > 59999:
			return wrong(here+".uid", "a user's uid is from 1000 to 59999")
		case numbers[u.UID]:
			return wrong(here+".uid", "uid %d is taken by another user", u.UID)
		case !fullNameForm.MatchString(u.FullName):
			return wrong(here+".full_name", "a full name has no colon, comma, equals sign or control character")
		case u.Shell != "" && (!cleanPath(u.Shell) || strings.ContainsAny(u.Shell, ": ")):
			return wrong(here+".shell", "a shell is an absolute path, such as /bin/bash")
		}
		names[u.Name], numbers[u.UID] = true, true
	}
	return nil
}

func (r *Recipe) checkFiles() *problem {
	for i, f := range r.Files {
		here := fmt.Sprintf("$.files[%d]", i)
		switch {
		case !cleanPath(f.Path):
			return wrong(here+".path", "a file's path is absolute, without . and .. in it")
		case f.Mode != "" && !validMode(f.Mode):
			return wrong(here+".mode", "a mode is three or four octal digits, such as 0644")
		case !validOwner(f.Owner):
			return wrong(here+".owner", "an owner is user or user:group, by name")
		}
	}
	return nil
}

func (r *Recipe) checkRun() *problem {
	for i, command := range r.Run {
		if strings.TrimSpace(command) == "" || strings.ContainsRune(command, 0) {
			return wrong(fmt.Sprintf("$.run[%d]", i), "a command is empty or has a zero byte")
		}
	}
	return nil
}

func wrong(path, format string, args ...any) *problem {
	return &problem{path: path, message: fmt.Sprintf(format, args...)}
}

func cleanPath(p string) bool {
	return strings.HasPrefix(p, "/") && p != "/" && path.Clean(p) == p && !strings.ContainsAny(p, "\x00\n")
}

func validMode(mode Mode) bool {
	n, err := strconv.ParseUint(string(mode), 8, 32)
	return err == nil && n <= 0o7777 && len(mode) >= 3 && len(mode) <= 4
}

func validOwner(owner string) bool {
	user, group, both := strings.Cut(owner, ":")
	return owner == "" || accountForm.MatchString(user) && (!both || accountForm.MatchString(group))
}

// diskSize is the disk's size in bytes, 0 when it is not written rightly.
func (r *Recipe) diskSize() int64 {
	m := sizeForm.FindStringSubmatch(r.Disk)
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseInt(m[1], 10, 64) // at most six digits by sizeForm
	if m[2] == "G" {
		return n << 30
	}
	return n << 20
}
