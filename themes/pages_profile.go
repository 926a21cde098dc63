package themes

import "time"

// ProfilePage is about the viewer: who one is here, and the keys by which one's
// own SSH client comes in. Its form posts "line" and "name" to AddAction.
type ProfilePage struct {
	Layout
	Name  string // as Labmark calls the viewer
	Login string // empty for who comes from a learning platform
	// SSH says how to come in; nil where this server has no SSH.
	SSH       *SSHWay
	Keys      []KeyView
	AddAction string
	Line, Key string // as typed before; may be empty
	Error     string // why the last try failed; may be empty
	Privacy   string // address of what is kept about the viewer
}

// SSHWay is how an SSH client comes in.
type SSHWay struct {
	Command     string // "ssh -p 2222 labmark@labs.example.edu"
	Fingerprint string // of this server's host key
}

// KeyView is one key. Its button posts nothing to RemoveAction.
type KeyView struct {
	Name, Kind, Fingerprint string
	Added                   time.Time
	Used                    *time.Time // nil: never
	RemoveAction            string
}

func (ProfilePage) template() string { return "profile" }
