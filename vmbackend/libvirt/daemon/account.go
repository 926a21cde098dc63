package daemon

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is the user that runs libvirtd and all its guests.
type account struct {
	name     string
	uid, gid uint32
	groups   []uint32 // such as kvm
	other    bool     // not the one that runs us
}

// lookUp finds the account for name; see Options.User for the empty one.
func lookUp(name string) (account, error) {
	self := os.Geteuid()
	if name == "" && self == 0 {
		name = "labmark"
	}
	var u *user.User
	var err error
	if name == "" {
		u, err = user.LookupId(strconv.Itoa(self))
	} else {
		u, err = user.Lookup(name)
	}
	if err != nil {
		if name == "" {
			name = "labmark"
		}
		return account{}, fmt.Errorf("libvirtd must run as an ordinary user that has an entry in /etc/passwd: %w; make one: "+
			"useradd --system --user-group --no-create-home --shell /usr/sbin/nologin %s", err, name)
	}
	a := account{name: u.Username}
	if a.uid, err = number(u.Uid); err != nil {
		return a, err
	}
	if a.gid, err = number(u.Gid); err != nil {
		return a, err
	}
	if a.uid == 0 {
		return a, fmt.Errorf("a private libvirtd does not run as root: its guests would be root's processes; name another user")
	}
	a.other = int(a.uid) != self
	if a.other && self != 0 {
		return a, fmt.Errorf("only root can run libvirtd as %s; leave the user out to run it as yourself", a.name)
	}
	ids, err := u.GroupIds()
	if err != nil {
		return a, fmt.Errorf("the groups of %s: %w", a.name, err)
	}
	for _, id := range ids {
		gid, err := number(id)
		if err != nil {
			return a, err
		}
		a.groups = append(a.groups, gid)
	}
	return a, nil
}

func number(id string) (uint32, error) {
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("user or group %q: %w", id, err)
	}
	return uint32(n), nil
}

// credential makes a process run as the account; nil if that needs nothing.
func (a account) credential() *syscall.Credential {
	if !a.other {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid, Groups: a.groups}
}

// own gives a file to the account.
func (a account) own(below *os.Root, name string) error {
	if !a.other {
		return nil
	}
	return below.Lchown(name, int(a.uid), int(a.gid))
}
