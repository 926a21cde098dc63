package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/look"
	"github.com/labmark/labmark/server/publish"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/uml"
)

// courses reads those that are named, and looks for the images that they ask for.
func (d *doctor) courses(ctx context.Context) (out []vmbackend.Finding) {
	if len(d.serve.Courses) == 0 {
		return []vmbackend.Finding{fair("folders", "name them as to labmark serve: labmark doctor COURSE…", "none was named, so neither courses nor their images were looked at")}
	}
	wanted := map[string]bool{}
	for _, name := range d.serve.Courses {
		src, err := publish.ParseSource(name)
		switch {
		case err != nil:
			out = append(out, bad(name, "name a folder, or git+https://HOST/PATH", "%v", err))
		case src.URL != "":
			out = append(out, fair(src.String(), "the page Courses’ sources of administrators says how it is", "it is a repository, which is not fetched here"))
		default:
			out = append(out, readCourse(src.Dir, wanted))
		}
	}
	return append(out, d.images(ctx, wanted)...)
}

// readCourse notes which images a course wants.
func readCourse(dir string, wanted map[string]bool) vmbackend.Finding {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return bad(dir, "name the folder that holds course.yaml, and let the account that runs Labmark read it", "%v", err)
	}
	defer root.Close()
	course, findings := look.Load(root.FS())
	if course == nil {
		return bad(dir, "labmark lint "+dir, "it has %s", count(len(findings), "finding"))
	}
	for _, t := range course.Tutorials {
		for _, g := range t.Guests {
			wanted[g.Image] = true
		}
	}
	return fine(dir, "%s", tutorials(course))
}

func tutorials(c *content.Course) string {
	return fmt.Sprintf("%q, %s", c.Title, count(len(c.Tutorials), "tutorial"))
}

func (d *doctor) images(ctx context.Context, wanted map[string]bool) (out []vmbackend.Finding) {
	var names []string
	for name := range wanted {
		names = append(names, name)
	}
	slices.Sort(names)
	dir := d.settings.ImageDir
	_, err := os.Stat(dir)
	var images *image.Store
	if err == nil { // opening one that is not there would make it
		images, err = image.Open(dir)
	}
	for _, name := range names {
		subject, mend := "image "+name, "labmark image build "+name
		if err != nil {
			out = append(out, bad(subject, mend, "%v", err))
			continue
		}
		i, err := images.Resolve(name)
		if err != nil {
			out = append(out, bad(subject, mend, "%v", err))
		} else if err := i.Verify(ctx); err != nil {
			out = append(out, bad(subject, "end the gateway, labmark image remove "+name+", and build it again: its guests must be reset", "%v", err))
		} else {
			out = append(out, fine(subject, "it is what its digest says, %.19s…", i.Digest))
		}
	}
	return out
}

// guests looks at what User-Mode Linux needs, where guests run by it.
func (d *doctor) guests(ctx context.Context) (out []vmbackend.Finding) {
	all := []store.Node{server.LocalNode}
	if d.db != nil {
		var err error
		if all, err = server.Nodes(ctx, d.db); err != nil {
			return []vmbackend.Finding{bad("nodes", "see what is said of the database", "%v", err)}
		}
	}
	if !slices.ContainsFunc(all, func(n store.Node) bool { return n.URI == server.LocalURI }) {
		return []vmbackend.Finding{fine("here", "all guests run on other nodes")}
	}
	out = append(out, umlKernel(d.serve.Kernel), d.jail(), d.tracing(), d.seccomp())
	out = append(out, d.memory()...)
	return append(out, d.left(ctx)...)
}

func umlKernel(path string) vmbackend.Finding {
	kernel, err := uml.FindKernel(path)
	if err != nil {
		return bad("kernel", "apt-get install user-mode-linux; or labmark image kernel, which builds a faster one", "%v", err)
	}
	fast, _ := filepath.EvalSymlinks(uml.FastKernel(uml.DefaultCacheDir()))
	if path == "" && kernel != fast {
		return fair("kernel", "labmark image kernel builds the fast one, once, in some ten minutes", "%s is Debian's, which is slow", kernel)
	}
	return fine("kernel", "%s", kernel)
}

// jail tries the namespaces that guests are locked into.
func (d *doctor) jail() vmbackend.Finding {
	err := d.host.namespaces()
	if err == nil {
		return fine("namespaces", "a guest's jail can be made")
	}
	mend := "let ordinary users make user namespaces; in a container or a unit of systemd, allow them there"
	for _, s := range []struct{ file, wrong string }{
		{"kernel/unprivileged_userns_clone", "0"},
		{"user/max_user_namespaces", "0"},
		{"kernel/apparmor_restrict_unprivileged_userns", "1"},
	} {
		if d.sysctl(s.file) == s.wrong {
			right := map[string]string{"0": "1", "1": "0"}[s.wrong]
			if strings.HasPrefix(s.file, "user/") {
				right = "10000"
			}
			mend = "sysctl " + strings.ReplaceAll(s.file, "/", ".") + "=" + right + ", and the same line in /etc/sysctl.d/labmark.conf"
		}
	}
	return bad("namespaces", mend, "a guest's jail can't be made: %v", err)
}

func (d *doctor) sysctl(name string) string {
	text, _ := os.ReadFile(filepath.Join(d.host.proc, "sys", name))
	return strings.TrimSpace(string(text))
}

// tracing is by what a User-Mode Linux kernel runs its guest's processes.
func (d *doctor) tracing() vmbackend.Finding {
	scope := d.sysctl("kernel/yama/ptrace_scope")
	if scope == "2" || scope == "3" {
		return bad("ptrace", "sysctl kernel.yama.ptrace_scope=1 (from 3 only by booting again)", "the sysctl kernel.yama.ptrace_scope is %s: guests can't trace their processes", scope)
	}
	return fine("ptrace", "guests may trace their own processes")
}

func (d *doctor) seccomp() vmbackend.Finding {
	actions := d.sysctl("kernel/seccomp/actions_avail")
	for _, action := range []string{"errno", "kill_process"} {
		if !slices.Contains(strings.Fields(actions), action) {
			return bad("seccomp", "run a kernel with CONFIG_SECCOMP_FILTER; Debian's have it", "this kernel offers no seccomp filter: guests would have no walls")
		}
	}
	return fine("seccomp", "filters are offered")
}

// usualMemory of one guest: its default of 128 MB, all used.
const usualMemory = 128 << 20

func (d *doctor) memory() (out []vmbackend.Finding) {
	free, err := d.freeMemory()
	if err != nil {
		return []vmbackend.Finding{bad("memory", "mount /proc", "%v", err)}
	}
	fit := free / usualMemory
	text := fmt.Sprintf("%d MB are free: enough for %d guests of the usual 128 MB that use all of it; there may be %d (max-guests)", free>>20, fit, d.serve.MaxGuests)
	mend := fmt.Sprintf("add memory, or say --max-guests %d; most guests use less, from 20 MB on", fit)
	switch {
	case fit < 1:
		return []vmbackend.Finding{bad("memory", "add memory, or end other programs", "%s", text)}
	case fit < int64(d.serve.MaxGuests):
		return []vmbackend.Finding{fair("memory", mend, "%s", text)}
	}
	return []vmbackend.Finding{fine("memory", "%s", text)}
}

// freeMemory is in bytes: what the machine has, or the control group allows.
func (d *doctor) freeMemory() (int64, error) {
	text, err := os.ReadFile(filepath.Join(d.host.proc, "meminfo"))
	if err != nil {
		return 0, err
	}
	free := int64(-1)
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "MemAvailable:" {
			kb, _ := strconv.ParseInt(f[1], 10, 64)
			free = kb << 10
		}
	}
	if free < 0 {
		return 0, fmt.Errorf("meminfo tells no MemAvailable")
	}
	own, _ := os.ReadFile(filepath.Join(d.host.proc, "self/cgroup"))
	_, group, _ := strings.Cut(strings.TrimSpace(string(own)), "::")
	limit, _ := os.ReadFile(filepath.Join(d.host.cgroup, group, "memory.max"))
	if n, err := strconv.ParseInt(strings.TrimSpace(string(limit)), 10, 64); err == nil {
		free = min(free, n)
	}
	return free, nil
}

// left looks for guests that the assignment table does not know. A gateway
// that runs removes them itself.
func (d *doctor) left(ctx context.Context) []vmbackend.Finding {
	entries, err := os.ReadDir(filepath.Join(d.settings.DataDir, "uml", "guests"))
	if errors.Is(err, fs.ErrNotExist) || d.db == nil {
		return nil
	}
	known, err2 := d.db.Guests(ctx)
	if err := errors.Join(err, err2); err != nil {
		return []vmbackend.Finding{bad("left", "see what is said of the data folder and the database", "%v", err)}
	}
	rows := map[string]bool{}
	for _, g := range known {
		rows[g.ID] = true
	}
	var left []string
	for _, e := range entries {
		if !rows[e.Name()] {
			left = append(left, e.Name())
		}
	}
	if len(left) > 0 {
		return []vmbackend.Finding{fair("left", "a gateway that runs removes them within a minute; start it, and look again",
			"%s of nobody: %s", count(len(left), "guest"), strings.Join(left[:min(len(left), 5)], ", "))}
	}
	return []vmbackend.Finding{fine("left", "none but those that are known: %d", len(known))}
}

// nodes walks the way to each, as labmark node test does.
func (d *doctor) nodes(ctx context.Context) (out []vmbackend.Finding) {
	if d.db == nil {
		return nil
	}
	all, err := d.db.Nodes(ctx)
	if err != nil {
		return []vmbackend.Finding{bad("list", "see what is said of the database", "%v", err)}
	}
	for _, n := range all {
		var found []vmbackend.Finding
		switch n.URI {
		case server.LocalURI: // looked at above
			continue
		case sessionURI:
			found = []vmbackend.Finding{fair("libvirt", "labmark node test "+n.Name, "it runs in this machine's session, which is not started here")}
		default:
			found = d.settings.testNode(ctx, n)
		}
		for _, f := range found {
			f.Subject = n.Name + ", " + f.Subject
			out = append(out, f)
		}
	}
	return out
}
