package image

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// workshop is the folder of one build:
//
//	root/       the file system as it grows
//	files.tar   what the recipe adds
//	customise   the hook that adds it
//	native/     this machine's busybox, for an image of another processor
//	disk.ext4   the disk
//
// It stands in the folder for temporary files, not in the store, because
// mmdebstrap without root works as another user, who cannot enter a home.
type workshop struct {
	dir string
	// helper is put before commands that must see the owners of root/ as the
	// guest will; empty for root.
	helper []string
}

func newWorkshop() (*workshop, error) {
	dir, err := os.MkdirTemp("", "labmark-image-")
	if err != nil {
		return nil, err
	}
	w := &workshop{dir: dir}
	if os.Geteuid() != 0 {
		w.helper = []string{"mmdebstrap", "--unshare-helper"}
	}
	return w, os.Chmod(dir, 0o755)
}

func (w *workshop) path(name string) string { return filepath.Join(w.dir, name) }

// bootstrap fills root/ with the recipe's packages and additions.
func (w *workshop) bootstrap(ctx context.Context, s *Store, r *Recipe, k kernel, m *meter) error {
	if _, err := exec.LookPath("newuidmap"); err != nil && len(w.helper) > 0 {
		return errors.New("building without root needs newuidmap and a range of user numbers: " +
			"apt-get install uidmap, and a line such as NAME:100000:65536 for this user in /etc/subuid and in /etc/subgid")
	}
	lines, err := mirrorLines(ctx, r.Base)
	if err != nil {
		return err
	}
	if err := w.prepareForeign(ctx, s, r); err != nil {
		return err
	}
	if err := w.writeAdditions(r, moduleTrees(r, k)); err != nil {
		return err
	}
	args := w.arguments(r, proxyOptions(ctx))
	return w.run(ctx, m.line, strings.Join(lines, "\n")+"\n", args...)
}

func (w *workshop) writeAdditions(r *Recipe, trees []moduleTree) error {
	archive, err := os.Create(w.path("files.tar"))
	if err != nil {
		return err
	}
	if err := errors.Join(writeArchive(archive, r, trees), archive.Close()); err != nil {
		return err
	}
	if err := os.Chmod(w.path("files.tar"), 0o644); err != nil {
		return err
	}
	script := customiseScript(r, w.path("files.tar"), w.nativeBusybox(r), trees)
	if err := os.WriteFile(w.path("customise"), []byte(script), 0o755); err != nil {
		return err
	}
	return os.Chmod(w.path("customise"), 0o755) // whatever the umask says
}

// mergedUsr is mmdebstrap's hook that saves the image the package usrmerge
// and, with it, all of Perl.
const mergedUsr = "/usr/share/mmdebstrap/hooks/maybe-merged-usr"

func (w *workshop) arguments(r *Recipe, options []string) []string {
	mode, variant := "root", r.Variant
	if os.Geteuid() != 0 {
		mode = "unshare"
	}
	if variant == "" {
		variant = Minbase
	}
	args := []string{"mmdebstrap", "--verbose", "--format=directory", "--mode=" + mode, "--variant=" + variant,
		// Translations are a third of a small system, and nobody could choose one.
		"--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=path-include=/usr/share/locale/locale.alias",
		"--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-include=/usr/share/man/man[1-9]/*",
		"--dpkgopt=force-unsafe-io"}
	args = append(args, options...)
	if a := r.arch(); !a.native() {
		// What it needs, prepareForeign has looked for.
		args = append(args, "--architectures="+a.debian, "--skip=check/qemu")
	}
	hook := "--customize-hook="
	if variant == Extract {
		hook = "--extract-hook=" // the last one that this variant has
		args = append(args, `--setup-hook=for d in bin sbin lib lib64; do mkdir -p "$1/usr/$d"; ln -s "usr/$d" "$1/$d"; done`)
	} else if _, err := os.Stat(mergedUsr); err == nil {
		args = append(args, "--hook-dir="+mergedUsr)
	}
	if len(r.Packages) > 0 {
		args = append(args, "--include="+strings.Join(r.Packages, ","))
	}
	return append(args, hook+w.path("customise"), r.Base, w.path("root"), "-")
}

// run runs a tool, gives each line of its output to line, and puts the last
// lines into the error.
func (w *workshop) run(ctx context.Context, line func(string), stdin string, args ...string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	// mmdebstrap as root mounts /proc, /sys and devices below root/. In a
	// mount namespace of its own they are gone with the last process, so that
	// no removal of the workshop can ever reach this machine's devices.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second // mmdebstrap tidies up when asked to end
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = write, write
	err = cmd.Start()
	_ = write.Close()
	if err != nil {
		_ = read.Close()
		return startError(args[0], err)
	}
	tail := readLines(read, line)
	err = cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // stragglers of a cancelled build
	if ctx.Err() != nil {
		return fmt.Errorf("%s was stopped: %w", args[0], ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("%s failed (%w); its last words:\n%s", args[0], err, strings.Join(tail, "\n"))
	}
	return nil
}

// startError names the package that brings a missing tool.
func startError(tool string, err error) error {
	if !errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("start %s: %w", tool, err)
	}
	packages := map[string]string{"mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs"}
	return fmt.Errorf("%s is not installed: apt-get install %s", tool, packages[tool])
}

// lastWords is how many lines of a failed tool's output are shown.
const lastWords = 15

// readLines reads to the end and returns the last lines.
func readLines(f *os.File, line func(string)) (tail []string) {
	defer func() { _ = f.Close() }()
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		line(scan.Text())
		tail = append(tail, "    "+scan.Text())
		if len(tail) > lastWords {
			tail = tail[1:]
		}
	}
	return tail
}

// remove deletes the workshop. Files below root/ belong to other users when
// this one is not root, so the same helper that made them deletes them; the
// folder root/ itself stands in one of ours.
func (w *workshop) remove() error {
	if _, err := os.Stat(w.path("root")); err == nil && len(w.helper) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		args := append(append([]string{}, w.helper...), "find", w.path("root"), "-xdev", "-mindepth", "1", "-delete")
		if err := w.run(ctx, func(string) {}, "", args...); err != nil {
			return err
		}
	}
	return os.RemoveAll(w.dir)
}
