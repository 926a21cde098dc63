package libvirttest

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// guard is a shell that outlives a test process which is killed, or ends by its
// time limit without cleaning up. When its stdin ends it kills all that has the
// node's folder in its command line, and removes folder and namespace. After a
// test that cleaned up itself it finds nothing to do.
const guard = `
root=$1 ns=$2
cat >/dev/null
for round in 1 2 3 4 5 6 7 8 9 10; do
	left=$(printf %s "$root/" | grep -alFf - /proc/[0-9]*/cmdline 2>/dev/null)
	[ "$left" ] || break
	for file in $left; do
		pid=${file#/proc/}
		kill -9 "${pid%/cmdline}" 2>/dev/null
	done
	sleep 0.1
done
if [ "$ns" ] && [ -e "/run/netns/$ns" ]; then
	for pid in $(ip netns pids "$ns"); do kill -9 "$pid"; done
	ip netns del "$ns"
fi
rm -rf "$root"
`

// watchOver starts a guard. What it returns lets it begin and waits for it.
func watchOver(tb testing.TB, root, ns string) (end func()) {
	tb.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = read.Close() }()
	cmd := exec.Command("sh", "-c", guard, "sh", root, ns)
	cmd.Stdin, cmd.Dir = read, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	return func() {
		_ = write.Close()
		_ = cmd.Wait()
	}
}
