package initrd_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/labmark/labmark/vmbackend/agent/initrd"
)

func TestArchiveHoldsTheAgentAndItsDevices(t *testing.T) {
	var archive, again bytes.Buffer
	agent := []byte("an agent of 22 bytes..")
	if err := initrd.Write(&archive, agent, []byte("tools")); err != nil {
		t.Fatal(err)
	}
	if err := initrd.Write(&again, agent, []byte("tools")); err != nil || !bytes.Equal(archive.Bytes(), again.Bytes()) {
		t.Errorf("the same agent gave another archive (%v)", err)
	}
	cpio, err := exec.LookPath("cpio")
	if err != nil {
		t.Skip("there is no cpio to read the archive with; booting guests reads it too")
	}
	list := exec.Command(cpio, "-itv", "--quiet", "--numeric-uid-gid")
	list.Stdin = &archive
	out, err := list.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"-rwxr-xr-x", " init\n", "5,   1", " dev/console\n", "1,   3", " dev/null\n", " toolbox\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
}
