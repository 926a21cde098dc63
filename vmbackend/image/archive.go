package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// debianKeys sign Debian's archives.
const debianKeys = "/usr/share/keyrings/debian-archive-keyring.gpg"

// archive is a private apt over this machine's Debian archive, for any of its
// architectures. It changes nothing of the machine's own apt, and needs no
// root.
type archive struct {
	dir     string
	options []string
}

// newArchive reads the archive's lists into dir, where they stay: next time
// only what has changed is loaded.
func newArchive(ctx context.Context, dir string, a architecture, suite string) (*archive, error) {
	lines, err := mirrorLines(ctx, suite)
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"lists/partial", "archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	sources := filepath.Join(dir, suite+".list")
	if err := os.WriteFile(sources, []byte(withKeys(lines)), 0o644); err != nil {
		return nil, err
	}
	p := &archive{dir: dir, options: []string{
		"-o", "Dir::Etc::sourcelist=" + sources, "-o", "Dir::Etc::sourceparts=/dev/null",
		"-o", "Dir::State=" + dir, "-o", "Dir::State::lists=" + filepath.Join(dir, "lists"), "-o", "Dir::State::status=/dev/null",
		"-o", "Dir::Cache=" + dir, "-o", "Dir::Cache::archives=" + filepath.Join(dir, "archives"),
		"-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=",
		"-o", "APT::Architecture=" + a.debian, "-o", "APT::Architectures::=" + a.debian,
		"-o", "APT::Sandbox::User=", "-o", "Acquire::Languages=none", "-o", "APT::Update::Error-Mode=any",
		"-o", "Acquire::Retries=2", "-o", "APT::Get::Allow-Downgrades=true",
	}}
	_, err = p.run(ctx, dir, "apt-get", "update")
	return p, err
}

// withKeys makes the lines trust Debian's keys alone, where they are known.
func withKeys(lines []string) string {
	text := strings.Join(lines, "\n") + "\n"
	if _, err := os.Stat(debianKeys); err != nil {
		return text
	}
	return strings.ReplaceAll("\n"+text, "\ndeb ", "\ndeb [signed-by="+debianKeys+"] ")[1:]
}

var imageDependency = regexp.MustCompile(`(?m)^Depends:.*\b(linux-image-[0-9][A-Za-z0-9.+~-]*)`)

// standsFor follows a package such as linux-image-cloud-amd64, which is empty
// itself, to the kernel that it depends on now.
func (p *archive) standsFor(ctx context.Context, name string) (string, error) {
	out, err := p.run(ctx, p.dir, "apt-cache", "show", "--no-all-versions", name)
	if err != nil {
		return "", err
	}
	if m := imageDependency.FindStringSubmatch(out); m != nil {
		return m[1], nil
	}
	return name, nil
}

// unpack loads a package, which apt holds against the archive's checksums,
// and unpacks it below dir.
func (p *archive) unpack(ctx context.Context, name, dir string) error {
	work, err := os.MkdirTemp(p.dir, "load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if _, err := p.run(ctx, work, "apt-get", "download", name); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil || len(files) != 1 {
		return errors.Join(fmt.Errorf("apt-get download %s gave %d files", name, len(files)), err)
	}
	_, err = p.command(ctx, dir, "dpkg-deb", "-x", files[0], dir)
	return err
}

// run runs one of apt's tools in dir.
func (p *archive) run(ctx context.Context, dir, tool string, args ...string) (string, error) {
	return p.command(ctx, dir, tool, append(append([]string{}, p.options...), args...)...)
}

func (p *archive) command(ctx context.Context, dir, tool string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.WaitDelay = 5 * time.Second
	var errout strings.Builder
	cmd.Stderr = &errout
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", fmt.Errorf("%s was stopped: %w", tool, ctx.Err())
	}
	if err != nil {
		return "", fmt.Errorf("%s failed (%w): %s", tool, err, strings.TrimSpace(errout.String()))
	}
	return string(out), nil
}
