package jail

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	Enter()
	if len(os.Args) == 2 && os.Args[0] == "probe" {
		probe(os.Args[1])
	}
	os.Exit(m.Run())
}

const testHostID = 1_278_000_000

// jailed runs one of probes in a jail and returns what it printed.
func jailed(t *testing.T, name string, mounts ...Mount) string {
	t.Helper()
	process, output := startProbe(t, name, mounts...)
	out, err := io.ReadAll(output)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-process.Ended():
	case <-time.After(time.Minute):
		t.Fatal("the probe did not end")
	}
	return string(out)
}

func startProbe(t *testing.T, name string, mounts ...Mount) (*Process, *os.File) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	libraries, err := Libraries(self)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	t.Cleanup(func() { r.Close() })
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	process, err := Start(Spec{
		Path: "/probe", Args: []string{"probe", name},
		Mounts:  append(append(mounts, Mount{Source: self, Target: "/probe"}), libraries...),
		Scratch: 1 << 20, Files: []*os.File{null, w, os.Stderr}, HostID: testHostID,
		FixedAddresses: true,
		Limits:         Limits{FileSize: 8 << 20, OpenFiles: 64, Processes: 64},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { process.Kill(); <-process.Ended() })
	return process, r
}

func TestNothingOfTheHostIsInReach(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("host"), 0o644); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(t.TempDir(), "own")
	if err := os.WriteFile(own, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(own, testHostID, testHostID); err != nil {
			t.Fatal(err)
		}
	}
	out := jailed(t, "escapes", Mount{Source: own, Target: "/own", Writable: true}, Mount{Source: secret, Target: "/given"})
	var escapes map[string]string
	if err := json.Unmarshal([]byte(out), &escapes); err != nil {
		t.Fatalf("the probe said %q: %v", out, err)
	}
	if len(escapes) < 15 {
		t.Errorf("the probe made only %d attempts", len(escapes))
	}
	for name, result := range escapes {
		if result != "refused" {
			t.Errorf("%s: %s", name, result)
		}
	}
	if got, _ := os.ReadFile(own); string(got) != "written" {
		t.Errorf("the one writable file holds %q, want what the program wrote", got)
	}
}

func TestOnlyGivenFilesExist(t *testing.T) {
	out := jailed(t, "tree")
	for _, line := range strings.Fields(out) {
		switch {
		case line == "/", line == "/probe", line == "/tmp", strings.HasPrefix(line, "/dev"), strings.HasPrefix(line, "/lib"), strings.HasPrefix(line, "/usr"):
		default:
			t.Errorf("the jail shows %s", line)
		}
	}
	if !strings.Contains(out, "/dev/null") {
		t.Errorf("the jail has no /dev/null: %s", out)
	}
}

func TestProgramRunsAsAnUnprivilegedUser(t *testing.T) {
	process, output := startProbe(t, "wait")
	if _, err := output.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(fmt.Sprintf("/proc/%d", process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	want := os.Getuid()
	if want == 0 {
		want = testHostID
	}
	if uid := int(info.Sys().(*syscall.Stat_t).Uid); uid != want {
		t.Errorf("the program runs as the host's user %d, want %d", uid, want)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(string(status), line+"\n") {
			t.Errorf("/proc/PID/status lacks %q:\n%s", line, status)
		}
	}
	if os.Getuid() == 0 && !strings.Contains(string(status), "Groups:\t\n") && !strings.Contains(string(status), "Groups:\t \n") {
		t.Errorf("the program keeps root's groups:\n%s", status)
	}
}

func TestKillEndsTheProgram(t *testing.T) {
	process, output := startProbe(t, "wait")
	if _, err := output.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	process.Kill()
	select {
	case <-process.Ended():
	case <-time.After(time.Minute):
		t.Fatal("the program outlived Kill by a minute")
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	files := []*os.File{null, null, null}
	for name, test := range map[string]struct {
		spec Spec
		want string
	}{
		"no program":     {Spec{Path: "/missing", Args: []string{"x"}, Files: files, HostID: testHostID, Scratch: 4096, Limits: Limits{OpenFiles: 64, Processes: 64}}, "cannot execute /missing"},
		"no source":      {Spec{Path: "/p", Mounts: []Mount{{Source: "/does/not/exist", Target: "/p"}}, Files: files, HostID: testHostID, Scratch: 4096}, "/does/not/exist"},
		"no descriptors": {Spec{Path: "/p"}, "descriptors"},
	} {
		process, err := Start(test.spec)
		if err == nil {
			process.Kill()
			t.Errorf("%s: Start succeeded", name)
		} else if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %q does not mention %q", name, err, test.want)
		}
	}
}

func TestRootMustNameAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can run the program as somebody else")
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	process, err := Start(Spec{Path: "/p", Files: []*os.File{null, null, null}})
	if err == nil {
		process.Kill()
		t.Fatal("the program was started as root")
	}
}

// TestUnprivileged repeats the others as an ordinary user.
func TestUnprivileged(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("already running as an ordinary user")
	}
	folder, err := os.MkdirTemp("", "jail-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(folder, "jail.test")
	if err := os.WriteFile(binary, self, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-test.v", "-test.run", "^(TestNothing|TestOnly|TestProgram|TestKill|TestStart|TestDies)")
	cmd.Dir = folder
	cmd.Env = []string{"TMPDIR=" + folder, "HOME=" + folder}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("as an ordinary user: %v\n%s", err, out)
	}
	if strings.Count(string(out), "--- PASS") < 6 {
		t.Errorf("too few tests ran as an ordinary user:\n%s", out)
	}
}
