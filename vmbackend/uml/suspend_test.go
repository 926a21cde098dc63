package uml

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A suspended guest takes no time of the processor, whatever its programs do,
// and afterwards they are where they were, and its clock is right.
func TestSuspendCostsNoProcessor(t *testing.T) {
	kernels := map[string]string{"fast": "", "debian": debianKernel}
	for name, kernel := range kernels {
		t.Run(name, func(t *testing.T) {
			if kernel != "" {
				t.Setenv("LABMARK_TEST_KERNEL", kernel)
			}
			b := newBackend(t, t.TempDir())
			k := started(t, b, "busy")
			// One that never calls the kernel, and one that does all the time.
			loops := k.run(t, b, `sh -c 'while :; do :; done' >/dev/null 2>&1 </dev/null & echo $!
				sh -c 'while :; do cat /proc/uptime; done' >/dev/null 2>&1 </dev/null & echo $!`)
			client, err := k.login(t.Context(), b, "root")
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			shell, err := client.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			in, err1 := shell.StdinPipe()
			out, err2 := shell.StdoutPipe()
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			if err := shell.Start("sh"); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(in, "here=before\n"); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := b.Suspend(t.Context(), "busy"); err != nil {
					t.Fatal(err)
				}
				before := used(b, "busy")
				time.Sleep(300 * time.Millisecond) // in which two loops would use as much
				if after := used(b, "busy"); after != before {
					t.Errorf("a suspended guest used %v of the processor", after-before)
				}
				if err := b.Resume(t.Context(), "busy"); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := io.WriteString(in, "echo $here $(date +%s)\n"); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			was, clock, _ := strings.Cut(strings.TrimSpace(line), " ")
			if was != "before" {
				t.Errorf("the shell that ran before says %q", line)
			}
			seconds, err := strconv.ParseInt(clock, 10, 64)
			if off := time.Since(time.Unix(seconds, 0)); err != nil || off < -time.Second || off > time.Minute {
				t.Errorf("the guest's clock says %s, which is %v off", clock, off)
			}
			k.run(t, b, "kill -0 "+strings.Join(strings.Fields(loops), " "))
		})
	}
}

// used is the processor time of a guest's kernel and of all below it.
func used(b *Backend, id string) (sum time.Duration) {
	g, _ := b.handle(id)
	for _, pid := range descendants(g.now().Pid) {
		sum += processorTime(pid)
	}
	return sum
}
