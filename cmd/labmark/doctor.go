package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"syscall"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
)

// doctorCmd takes serve's settings too, to judge what serving would meet.
type doctorCmd struct {
	serveSettings
	Format string `help:"How to say it: text or json." enum:"text,json" default:"text"`
}

// Run ends with errFindings if anything is bad.
func (c *doctorCmd) Run(ctx context.Context, s *Settings, files *configFiles, out io.Writer) error {
	d := &doctor{settings: s, serve: &c.serveSettings, files: files, host: thisHost(), now: time.Now,
		http: &http.Client{Timeout: approachPatience}}
	d.examine(ctx)
	if c.Format == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		if err := e.Encode(d.found); err != nil {
			return err
		}
	} else if err := d.print(out); err != nil {
		return err
	}
	if d.count(vmbackend.Bad) > 0 {
		return errFindings
	}
	return nil
}

// doctor looks at an installation and changes nothing in it.
type doctor struct {
	settings *Settings
	serve    *serveSettings
	files    *configFiles
	host     host
	now      func() time.Time
	http     *http.Client
	// running says that a gateway has the data folder.
	running bool
	// db can be read; nil if there is none, or none of this program's.
	db    *store.Store
	found []diagnosis
}

// host is what the machine says of itself.
type host struct {
	proc, cgroup string // folders: /proc, and the one of control groups
	// namespaces makes those that a guest's jail is made of.
	namespaces func() error
	// synchronised says whether something keeps the clock right.
	synchronised func() (bool, error)
	// openFiles is how many files a process may have open.
	openFiles func() (uint64, error)
	// room is what is free in a folder, in bytes.
	room func(dir string) (int64, error)
}

// diagnosis is one finding, and what it is about.
type diagnosis struct {
	About   string          `json:"about"`
	Subject string          `json:"subject"`
	Level   vmbackend.Level `json:"level"`
	Seen    string          `json:"seen"`
	Mend    string          `json:"mend,omitempty"`
}

func (d *doctor) examine(ctx context.Context) {
	defer func() {
		if d.db != nil {
			d.db.Close()
		}
	}()
	for _, look := range []struct {
		about string
		at    func(context.Context) []vmbackend.Finding
	}{
		{"settings", d.settingsFiles},
		{"data folder", d.dataFolder},
		{"database", d.database},
		{"courses", d.courses},
		{"guests", d.guests},
		{"nodes", d.nodes},
		{"network", d.network},
		{"platforms", d.platforms},
		{"machine", d.machine},
	} {
		for _, f := range look.at(ctx) {
			d.found = append(d.found, diagnosis{look.about, f.Subject, f.Level, printable(f.Text), printable(f.Mend)})
		}
	}
}

func (d *doctor) count(level vmbackend.Level) (n int) {
	for _, f := range d.found {
		if f.Level == level {
			n++
		}
	}
	return n
}

func (d *doctor) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range d.found {
		fmt.Fprintf(w, "%s\t%s: %s: %s\n", f.Level, f.About, f.Subject, f.Seen)
		if f.Mend != "" {
			fmt.Fprintf(w, "\t  → %s\n", f.Mend)
		}
	}
	fmt.Fprintf(w, "\n%d good, %d fair, %d bad\n", d.count(vmbackend.Good), d.count(vmbackend.Fair), d.count(vmbackend.Bad))
	return w.Flush()
}

// fair is a finding that does not keep Labmark from working.
func fair(subject, mend, format string, args ...any) vmbackend.Finding {
	return vmbackend.Finding{Subject: subject, Level: vmbackend.Fair, Text: fmt.Sprintf(format, args...), Mend: mend}
}

// bad is one that does.
func bad(subject, mend, format string, args ...any) vmbackend.Finding {
	return vmbackend.Finding{Subject: subject, Level: vmbackend.Bad, Text: fmt.Sprintf(format, args...), Mend: mend}
}

func thisHost() host {
	return host{proc: "/proc", cgroup: "/sys/fs/cgroup", namespaces: tryNamespaces,
		synchronised: func() (bool, error) {
			state, err := unix.Adjtimex(&unix.Timex{})
			return state != unix.TIME_ERROR, err
		},
		openFiles: func() (uint64, error) {
			var limit syscall.Rlimit
			err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
			return limit.Cur, err
		},
		room: func(dir string) (int64, error) {
			var fs syscall.Statfs_t
			err := syscall.Statfs(dir, &fs)
			return int64(fs.Bavail) * fs.Bsize, err
		}}
}

// tryNamespaces runs a program that does nothing, in what jails are made of.
func tryNamespaces() error {
	cmd := exec.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID |
			syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWCGROUP,
		UidMappings: []syscall.SysProcIDMap{{HostID: syscall.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: syscall.Getgid(), Size: 1}},
	}
	return cmd.Run()
}
