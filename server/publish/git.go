package publish

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	// fetchLimit bounds one look at a repository.
	fetchLimit = 2 * time.Minute
	// maxTree and maxFiles bound what one version of a repository may hold.
	maxTree  = 1 << 30
	maxFiles = 50_000
)

// maxClone bounds what one look may bring, and what is kept of a repository's
// versions before its clone is begun anew, in bytes each.
var maxClone int64 = 1 << 30

// repository is a source's clone, and the versions of it that lie in folders:
// pictures of a version are read from there while pages of it are open.
type repository struct {
	src Source
	dir string // DIR/repository.git, DIR/COMMIT, DIR/good
}

// git runs a git command in the clone. Whatever the repository brings, no
// hook, filter or helper of it is run, and nobody is asked for a password.
func (r repository) git(ctx context.Context, args ...string) *exec.Cmd {
	// All that is fetched goes into one file, for which the shell sets a limit.
	limited := fmt.Sprintf(`ulimit -f %d; exec git "$@"`, maxClone/512)
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", limited, "git", "--git-dir=" + r.clone(),
		"-c", "core.hooksPath=/dev/null", "-c", "credential.interactive=false", "-c", "protocol.ext.allow=never",
		"-c", "submodule.recurse=false", "-c", "gc.auto=0", "-c", "fetch.unpackLimit=1"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=https:ssh:file",
		"GIT_SSH_COMMAND=ssh -o BatchMode=yes", "LC_ALL=C")
	cmd.WaitDelay = 5 * time.Second // a helper of ssh may hold the pipe
	return cmd
}

func (r repository) clone() string { return filepath.Join(r.dir, "repository.git") }

// fetch gets the branch's newest commit and returns its ID.
func (r repository) fetch(ctx context.Context) (commit string, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	if _, err := os.Stat(r.clone()); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(r.dir, 0o700); err != nil {
			return "", err
		}
		if _, err := said(r.git(ctx, "init", "--quiet", "--bare", r.clone())); err != nil {
			return "", err
		}
	}
	_, err = said(r.git(ctx, "fetch", "--quiet", "--depth=1", "--no-tags", "--", r.src.URL, r.src.Branch))
	if err != nil {
		return "", errors.Join(fmt.Errorf("fetch %s: %w", r.src, err), r.sweep())
	}
	return said(r.git(ctx, "rev-parse", "--verify", "FETCH_HEAD^{commit}"))
}

// sweep removes what a fetch has left that was cut off.
func (r repository) sweep() error {
	left, err := filepath.Glob(filepath.Join(r.clone(), "objects", "pack", "tmp_*"))
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// shrink removes the clone once it holds too many former versions: the next
// look fetches the newest alone.
func (r repository) shrink() error {
	size := int64(0)
	err := filepath.WalkDir(r.clone(), func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err == nil && size > maxClone {
		err = os.RemoveAll(r.clone())
	}
	return err
}

// said returns what a command printed, or its complaint as an error.
func said(cmd *exec.Cmd) (string, error) {
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		if words := strings.TrimSpace(complaint.String()); words != "" {
			return "", fmt.Errorf("git: %s", words)
		}
		return "", fmt.Errorf("git: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// folder gives the folder with a commit's files, made if it isn't there yet.
func (r repository) folder(ctx context.Context, commit string) (string, error) {
	done := filepath.Join(r.dir, commit)
	if _, err := os.Stat(done); err == nil {
		return filepath.Join(done, r.src.Sub), nil
	}
	half, err := os.MkdirTemp(r.dir, "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(half)
	if err := r.unpack(ctx, commit, half); err != nil {
		return "", fmt.Errorf("unpack %s at %.12s: %w", r.src, commit, err)
	}
	if err := os.Rename(half, done); err != nil {
		return "", err
	}
	return filepath.Join(done, r.src.Sub), nil
}

func (r repository) unpack(ctx context.Context, commit, into string) error {
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	cmd := r.git(ctx, "archive", "--format=tar", commit)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	bad := untar(pipe, into)
	if bad != nil {
		cancel() // it would wait for a reader for ever
	}
	if err := cmd.Wait(); bad == nil && err != nil {
		return fmt.Errorf("git: %s", strings.TrimSpace(complaint.String()))
	}
	return bad
}

// untar writes plain files and folders. Links are left out: a course has no
// use for them, and they could lead out of it.
func untar(from io.Reader, into string) error {
	root, err := os.OpenRoot(into)
	if err != nil {
		return err
	}
	defer root.Close()
	t := tar.NewReader(from)
	left, files := int64(maxTree), 0
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if files++; files > maxFiles {
			return fmt.Errorf("it has more than %d files", maxFiles)
		}
		if left -= h.Size; left < 0 {
			return fmt.Errorf("it is larger than %d MB", maxTree>>20)
		}
		name := filepath.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, 0o700)
		case tar.TypeReg:
			err = write(root, name, t)
		}
		if err != nil {
			return err
		}
	}
}

func write(root *os.Root, name string, from io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}

// good is the commit that was served last; empty if there never was one.
func (r repository) good() string {
	b, err := os.ReadFile(filepath.Join(r.dir, "good"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// setGood notes a commit that is being served, and removes the folders of all
// but this one and the one before it, whose pages may still be open.
func (r repository) setGood(commit string) error {
	former := r.good()
	if former == commit {
		return nil
	}
	half := filepath.Join(r.dir, "good.new")
	if err := os.WriteFile(half, []byte(commit+"\n"), 0o600); err != nil {
		return err
	}
	if err := os.Rename(half, filepath.Join(r.dir, "good")); err != nil {
		return err
	}
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != commit && e.Name() != former && e.Name() != filepath.Base(r.clone()) {
			os.RemoveAll(filepath.Join(r.dir, e.Name()))
		}
	}
	return r.shrink()
}
