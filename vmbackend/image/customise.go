package image

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// customiseScript is the hook that mmdebstrap runs when all packages are in.
// It gets the image's root folder as $1 and turns a Debian into the recipe's
// machine. Everything below the root is touched from inside a chroot, so that
// an absolute symbolic link in the image cannot lead out of it. busybox, where
// it is not empty, is this machine's, which does what the image's own cannot.
func customiseScript(r *Recipe, archive, busybox string, trees []moduleTree) string {
	var b strings.Builder
	tool := ""
	if r.Variant == Extract {
		tool = "/bin/busybox "
	}
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("#!/bin/sh")
	say("set -eu")
	say("echo %s", quote(ownPhaseMark))
	say("inside() { chroot \"$root\" %senv -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \"$@\"; }", tool)
	say("root=$1")
	if busybox != "" {
		say("mv \"$root/bin/busybox\" \"$root/bin/.busybox\"; cp %s \"$root/bin/busybox\"", quote(busybox))
	}
	say("inside %ssh -ec %s", tool, quote(rootAccount))
	for _, u := range r.Users {
		say("inside %ssh -ec %s", tool, quote(addUser(u, tool)))
	}
	say("chroot \"$root\" %star -xf - -C / <%s", tool, quote(archive))
	for _, t := range trees {
		say("inside depmod %s", quote(t.version))
	}
	for _, command := range r.Run {
		say("inside %ssh -ec %s", tool, quote(command))
	}
	if busybox != "" {
		say("mv \"$root/bin/.busybox\" \"$root/bin/busybox\"")
	}
	// Left by mmdebstrap, about the building machine.
	say("rm -f \"$root\"/etc/dpkg/dpkg.cfg.d/99mmdebstrap \"$root\"/etc/apt/apt.conf.d/99mmdebstrap")
	say("rm -f \"$root\"/var/log/*.log \"$root\"/var/log/apt/* \"$root\"/var/cache/debconf/*-old \"$root\"/var/lib/dpkg/*-old")
	return b.String()
}

// rootAccount begins the account files where no package brought them.
const rootAccount = `[ -s /etc/passwd ] || {
	echo root:x:0:0:root:/root:/bin/sh >/etc/passwd
	echo root:x:0: >/etc/group
	echo 'root:*:19000:0:99999:7:::' >/etc/shadow
	chmod 0640 /etc/shadow
}`

// addUser is the shell script, run inside, that makes one account. It writes
// the files itself: a tiny image has no useradd.
func addUser(u User, tool string) string {
	home, shell := "/home/"+u.Name, u.Shell
	if shell == "" {
		shell = "/bin/bash"
	}
	id := strconv.Itoa(u.UID)
	lines := []string{
		"echo " + quote(strings.Join([]string{u.Name, "x", id, id, u.FullName, home, shell}, ":")) + " >>/etc/passwd",
		"echo " + quote(u.Name+":x:"+id+":") + " >>/etc/group",
		"echo " + quote(u.Name+":*:19000:0:99999:7:::") + " >>/etc/shadow",
		"echo " + quote(u.Name+":!::") + " >>/etc/gshadow",
		tool + "mkdir -p " + home,
		"if [ -d /etc/skel ]; then " + tool + "cp -a /etc/skel/. " + home + "; fi",
		tool + "chown -R " + id + ":" + id + " " + home,
		tool + "chmod 0755 " + home,
	}
	if u.Sudo {
		file := "/etc/sudoers.d/" + u.Name
		lines = append(lines,
			"echo "+quote(u.Name+" ALL=(ALL:ALL) NOPASSWD: ALL")+" >"+file,
			tool+"chmod 0440 "+file)
	}
	return strings.Join(lines, "\n")
}

// quote makes text one word for the shell.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// writeArchive packs the files that the recipe adds, and the kernel modules.
func writeArchive(w io.Writer, r *Recipe, trees []moduleTree) error {
	t := tar.NewWriter(w)
	for _, tree := range trees {
		if err := packModules(t, tree, r.Modules); err != nil {
			return err
		}
	}
	for _, f := range append(ownFiles(r), r.Files...) {
		if err := packFile(t, f); err != nil {
			return err
		}
	}
	return t.Close()
}

// ownFiles replace what mmdebstrap copied from the building machine. A recipe
// can overwrite them with its own.
func ownFiles(r *Recipe) []File {
	host := r.Hostname
	if host == "" {
		host = "localhost"
	}
	return []File{
		{Path: "/etc/hostname", Content: host + "\n"},
		{Path: "/etc/hosts", Content: "127.0.0.1\tlocalhost\n127.0.1.1\t" + host + "\n::1\tlocalhost ip6-localhost ip6-loopback\n"},
		{Path: "/etc/resolv.conf", Content: "# This machine has no name server.\n"},
	}
}

// buildTime is the time stamp of what a recipe adds: SOURCE_DATE_EPOCH when
// the caller wants the same bytes again, now otherwise.
func buildTime() time.Time {
	if n, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(n, 0)
	}
	return time.Now().Truncate(time.Second)
}

func packFile(t *tar.Writer, f File) error {
	mode := int64(0o644)
	if f.Mode != "" {
		mode, _ = strconv.ParseInt(string(f.Mode), 8, 64) // checked with the recipe
	}
	user, group, both := strings.Cut(f.Owner, ":")
	if user == "" {
		user = "root"
	}
	if !both {
		group = user
	}
	err := t.WriteHeader(&tar.Header{Name: strings.TrimPrefix(f.Path, "/"), Mode: mode, Size: int64(len(f.Content)),
		Uname: user, Gname: group, ModTime: buildTime()})
	if err != nil {
		return err
	}
	_, err = io.WriteString(t, f.Content)
	return err
}

func packModules(t *tar.Writer, tree moduleTree, wanted []string) error {
	files, err := moduleFiles(tree.folder, wanted)
	if err != nil {
		return fmt.Errorf("find the modules of kernel %s: %w", tree.version, err)
	}
	for _, name := range files {
		content, err := os.ReadFile(filepath.Join(tree.folder, name))
		if err != nil {
			return err
		}
		header := &tar.Header{Name: "usr/lib/modules/" + tree.version + "/" + name, Mode: 0o644, Size: int64(len(content)), ModTime: buildTime()}
		if err := t.WriteHeader(header); err != nil {
			return err
		}
		if _, err := t.Write(content); err != nil {
			return err
		}
	}
	return nil
}
