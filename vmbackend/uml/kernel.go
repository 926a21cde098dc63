package uml

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

//go:embed kernel/build.sh kernel/config
var kernelFiles embed.FS

// BuildKernel builds the fast kernel into a cache folder, where New finds it;
// empty means DefaultCacheDir. It takes some ten minutes on two processors,
// once, needs the way to a Debian mirror, and root if packages are missing.
// report, which may be nil, gets the share that is done and what is being
// done. The path of the kernel is returned, at once if it is there already. A
// build that was broken off goes on where it was.
func BuildKernel(ctx context.Context, cacheDir string, report func(percent int, what string)) (string, error) {
	if cacheDir == "" {
		cacheDir = DefaultCacheDir()
	}
	output := FastKernel(cacheDir)
	if _, err := os.Stat(output); err == nil {
		return output, nil
	}
	scripts, err := os.MkdirTemp("", "labmark-kernel-")
	if err != nil {
		return "", fmt.Errorf("build the kernel: %w", err)
	}
	defer func() { _ = os.RemoveAll(scripts) }()
	tree, err := fs.Sub(kernelFiles, "kernel")
	if err != nil {
		return "", fmt.Errorf("build the kernel: %w", err)
	}
	if err := os.CopyFS(scripts, tree); err != nil {
		return "", fmt.Errorf("build the kernel: %w", err)
	}
	work := filepath.Join(cacheDir, "kernel", "build")
	cmd := exec.CommandContext(ctx, "sh", filepath.Join(scripts, "build.sh"), work, output)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	lines, err := cmd.StdoutPipe()
	if err != nil {
		return "", fmt.Errorf("build the kernel: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("build the kernel: %w", err)
	}
	for scan := bufio.NewScanner(lines); scan.Scan(); {
		number, what, _ := strings.Cut(scan.Text(), " ")
		if percent, err := strconv.Atoi(number); err == nil && report != nil {
			report(percent, what)
		}
	}
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", fmt.Errorf("build the kernel: %w\n%s", err, complaint.String())
	}
	return output, nil
}
