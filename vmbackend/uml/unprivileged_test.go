package uml

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAsOrdinaryUser repeats tests as a user with no rights at all: guests
// need no root.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("already running as an ordinary user")
	}
	const nobody = 65534
	folder, err := os.MkdirTemp("", "uml-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chown(folder, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, disk := filepath.Join(folder, "uml.test"), filepath.Join(folder, "image")
	for to, from := range map[string]string{binary: self, disk: testImage(t, "tiny").Path} {
		if out, err := exec.Command("cp", "--sparse=always", from, to).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if err := os.Chmod(to, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(binary, "-test.v", "-test.run", "^(TestGuestLife|TestNoWayOut|TestKilledSupervisor|TestSecondBackend)")
	cmd.Dir = folder
	cmd.Env = []string{
		"TMPDIR=" + folder, "HOME=" + folder, "PATH=" + os.Getenv("PATH"),
		singleImageVariable + "=" + disk, "LABMARK_TEST_KERNEL=" + os.Getenv("LABMARK_TEST_KERNEL"),
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("as an ordinary user: %v\n%s", err, out)
	}
	if strings.Count(string(out), "\n--- PASS") < 4 {
		t.Errorf("too few tests ran as an ordinary user:\n%s", out)
	}
}
