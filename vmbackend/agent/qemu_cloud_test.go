package agent_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/labmark/labmark/vmbackend/guestlink"
	"github.com/labmark/labmark/vmbackend/image"
)

// cloudRecipe stands in for a distribution's cloud image: systemd, cloud-init
// and a kernel of its own. Only a boot loader is missing, so QEMU is given the
// kernel and initrd out of the image.
const cloudRecipe = `name: cloud-test
base: bookworm
disk: 2G
packages: [systemd-sysv, udev, cloud-init, linux-image-cloud-amd64, initramfs-tools, iproute2, sudo, procps, kmod]
files:
  - {path: /etc/fstab, content: "/dev/vda / ext4 defaults 0 1\n"}
  - {path: /etc/machine-id, content: ""}
run:
  - cp /boot/vmlinuz-* /boot/vmlinuz && cp /boot/initrd.img-* /boot/initrd.img
`

func TestAgentServesInAnImportedCloudImage(t *testing.T) {
	if os.Getenv("LABMARK_TEST_CLOUD") == "" {
		t.Skip("builds an image with systemd and cloud-init, for some minutes: LABMARK_TEST_CLOUD=1 runs this")
	}
	recipe, err := image.ParseRecipe("cloud-test.yaml", []byte(cloudRecipe))
	if err != nil {
		t.Fatal(err)
	}
	_, built := ensure(t, recipe)
	dir := t.TempDir()
	disk := filepath.Join(dir, "cloud.qcow2")
	if out, err := exec.Command("qemu-img", "convert", "-f", "raw", "-O", "qcow2", built.Path, disk).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"vmlinuz", "initrd.img"} {
		if out, err := exec.Command("debugfs", "-R", "dump /boot/"+name+" "+filepath.Join(dir, name), built.Path).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	store, err := image.Open(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	imported, err := image.Import(t.Context(), store, disk, "cloud", "x86_64", nil)
	if err != nil {
		t.Fatal(err)
	}
	q := newQEMU(t, store, imported)
	q.machine.Kernel, q.machine.Initrd = filepath.Join(dir, "vmlinuz"), filepath.Join(dir, "initrd.img")
	q.machine.KernelArgs = "root=/dev/vda rw console=ttyS0 no_timer_check"
	q.start(t, "-m", "512")
	q.personalise(t)
	q.rejoin(t, guestlink.Options{Window: portWindow})
	checkService(t, q)
}

func checkService(t *testing.T, q *qemu) {
	t.Helper()
	c := q.login(t, "root")
	if got := run(t, c, "hostname; cat /proc/1/comm; systemctl is-active labmark-agent; cat /proc/self/oom_score_adj"); got != "lab-guest\nsystemd\nactive\n0\n" {
		t.Errorf("got %q", got)
	}
	pid := strings.TrimSpace(run(t, c, "systemctl show -P MainPID labmark-agent"))
	if got := run(t, c, "cat /proc/"+pid+"/oom_score_adj; cat /proc/"+pid+"/cgroup"); !strings.HasPrefix(got, "-1000\n") || !strings.Contains(got, "labmark-agent.service/agent") {
		t.Errorf("the agent's own privileges: %q", got)
	}
	s := session(t, q.login(t, "student"))
	if err := s.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	if out, err := s.CombinedOutput("cat /proc/self/cgroup; cat /proc/self/oom_score_adj"); err != nil || !strings.Contains(string(out), "/student") {
		t.Errorf("a student's terminal is in %q, error %v", out, err)
	}
	// It comes back whatever is done to it.
	_ = session(t, c).Start("kill -9 " + pid)
	<-q.host.Done()
	q.rejoin(t, guestlink.Options{Window: portWindow})
	if got := run(t, q.login(t, "root"), "systemctl show -P NRestarts labmark-agent"); got != "1\n" {
		t.Errorf("the service was started again %q times", got)
	}
}
