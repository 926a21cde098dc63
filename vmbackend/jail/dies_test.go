package jail

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDiesWithItsParent kills a process that has a jail below it.
func TestDiesWithItsParent(t *testing.T) {
	if os.Getenv("JAIL_TEST_PARENT") != "" {
		process, output := startProbe(t, "wait")
		if _, err := output.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.WriteString("jail " + strconv.Itoa(process.Pid) + "\n")
		select {}
	}
	parent := exec.Command("/proc/self/exe", "-test.run", "^TestDiesWithItsParent$")
	parent.Args[0] = os.Args[0]
	parent.Env = append(os.Environ(), "JAIL_TEST_PARENT=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	lines := bufio.NewScanner(out)
	for pid == 0 && lines.Scan() {
		if number, ok := strings.CutPrefix(lines.Text(), "jail "); ok {
			pid, _ = strconv.Atoi(number)
		}
	}
	if pid == 0 {
		t.Fatal("the parent started no jail")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	deadline := time.Now().Add(time.Minute)
	for !gone(pid) {
		if time.Now().After(deadline) {
			t.Fatal("the jail outlived its parent by a minute")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// gone counts a zombie as gone: whoever adopted it may be slow to reap.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}
