package uml

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/uml/shim"
)

// pids returns the guest's kernel and its supervisor.
func pids(t *testing.T, b *Backend, id string) (kernel, supervisor int) {
	t.Helper()
	watch, err := shim.NewWatch(t.Context(), b.folder(id))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = watch.Close() }()
	e, err := watch.Next()
	if err != nil {
		t.Fatal(err)
	}
	return e.Pid, e.Shim
}

// expect waits for an event of the guest and returns its reason.
func expect(t *testing.T, events <-chan vmbackend.Event, id string, state vmbackend.State) string {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case e := <-events:
			if e.ID == id && e.State == state {
				return e.Reason
			}
		case <-deadline:
			t.Fatalf("no event said that guest %s is %s", id, state)
		}
	}
}

func TestKilledKernelIsNoticedAndStartsAgain(t *testing.T) {
	b := newBackend(t, t.TempDir())
	k := started(t, b, "killed")
	k.run(t, b, "echo kept > /root/file && sync")
	events := b.Watch(t.Context())
	kernel, _ := pids(t, b, "killed")
	if err := syscall.Kill(kernel, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if reason := expect(t, events, "killed", vmbackend.Stopped); !strings.Contains(reason, "killed") {
		t.Errorf("the event's reason is %q", reason)
	}
	if got := state(t, b, "killed"); got != vmbackend.Stopped {
		t.Errorf("List says %s", got)
	}
	if _, err := b.Dial(t.Context(), "killed"); !errors.Is(err, vmbackend.ErrWrongState) {
		t.Errorf("Dial: %v", err)
	}
	if err := b.Start(t.Context(), "killed"); err != nil {
		t.Fatal(err)
	}
	if got := k.run(t, b, "cat /root/file"); got != "kept" {
		t.Errorf("the disk holds %q", got)
	}
}

func TestKilledSupervisorTakesItsGuestAlong(t *testing.T) {
	b := newBackend(t, t.TempDir())
	k := started(t, b, "orphan")
	other := started(t, b, "other")
	events := b.Watch(t.Context())
	kernel, supervisor := pids(t, b, "orphan")
	if err := syscall.Kill(supervisor, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	expect(t, events, "orphan", vmbackend.Stopped)
	eventually(t, "the kernel ends with its supervisor", func() bool {
		return errors.Is(syscall.Kill(kernel, 0), syscall.ESRCH)
	})
	if got := state(t, b, "orphan"); got != vmbackend.Stopped {
		t.Errorf("List says %s", got)
	}
	if got := other.run(t, b, "hostname"); got != "other" {
		t.Errorf("the other guest said %q", got)
	}
	if err := b.Start(t.Context(), "orphan"); err != nil {
		t.Fatal(err)
	}
	if got := k.run(t, b, "hostname"); got != "orphan" {
		t.Errorf("started again, the guest said %q", got)
	}
}

func TestStoppedSupervisorCanBeDestroyed(t *testing.T) {
	b := newBackend(t, t.TempDir())
	started(t, b, "wedged")
	kernel, supervisor := pids(t, b, "wedged")
	if err := syscall.Kill(supervisor, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := b.Destroy(t.Context(), "wedged"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the kernel is gone", func() bool {
		return errors.Is(syscall.Kill(kernel, 0), syscall.ESRCH)
	})
}

func TestSecondBackendTakesRunningGuestsOver(t *testing.T) {
	dir := t.TempDir()
	crashed := newBackend(t, dir)
	k := started(t, crashed, "survivor")
	k.run(t, crashed, "sleep 100000 >/dev/null 2>&1 </dev/null & echo $! > /run/pid")
	created(t, crashed, "unused")
	half := filepath.Join(dir, "guests", halfMade+"crash")
	if err := os.Mkdir(half, 0o700); err != nil {
		t.Fatal(err)
	}

	b := newBackend(t, dir) // the crashed one never closed anything
	guests, err := b.List(t.Context())
	if err != nil || len(guests) != 2 {
		t.Fatalf("the new backend lists %v, %v", guests, err)
	}
	if g := guests[0]; g.ID != "survivor" || g.State != vmbackend.Running || g.Labels["test"] != t.Name() || g.Image != k.spec.Image {
		t.Errorf("the new backend lists %+v", g)
	}
	if g := guests[1]; g.ID != "unused" || g.State != vmbackend.Created {
		t.Errorf("the new backend lists %+v", g)
	}
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half-made guest is still there: %v", err)
	}
	k.run(t, b, "kill -0 $(cat /run/pid)")
	events := b.Watch(t.Context())
	if err := b.Stop(t.Context(), "survivor"); err != nil {
		t.Fatal(err)
	}
	expect(t, events, "survivor", vmbackend.Stopped)
}

func TestCloseLeavesGuestsRunning(t *testing.T) {
	dir := t.TempDir()
	first := newBackend(t, dir)
	k := started(t, first, "left")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Start(t.Context(), "left"); err == nil {
		t.Error("a closed backend starts guests")
	}
	second := newBackend(t, dir)
	if got := k.run(t, second, "hostname"); got != "left" {
		t.Errorf("the guest said %q", got)
	}
}

func TestDestroyWinsOverStart(t *testing.T) {
	b := newBackend(t, t.TempDir())
	created(t, b, "short")
	events := b.Watch(t.Context())
	failed := make(chan error, 1)
	go func() { failed <- b.Start(context.Background(), "short") }()
	expect(t, events, "short", vmbackend.Starting)
	if err := b.Destroy(t.Context(), "short"); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !errors.Is(err, vmbackend.ErrNoGuest) {
		t.Errorf("Start returned %v, want ErrNoGuest", err)
	}
	if guests, err := b.List(t.Context()); err != nil || len(guests) != 0 {
		t.Errorf("after Destroy there are %v, %v", guests, err)
	}
	left, err := os.ReadDir(filepath.Join(b.cfg.Dir, "guests"))
	if err != nil || len(left) != 0 {
		t.Errorf("Destroy left %v, %v", left, err)
	}
	if err := b.Destroy(t.Context(), "short"); err != nil {
		t.Errorf("destroying again: %v", err)
	}
}

func TestStartKeepsItsDeadline(t *testing.T) {
	b := newBackend(t, t.TempDir())
	k := created(t, b, "hurried")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := b.Start(ctx, "hurried"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Start returned %v, want the context's error", err)
	}
	if err := b.Start(t.Context(), "hurried"); err != nil {
		t.Fatal(err)
	}
	if got := k.run(t, b, "hostname"); got != "hurried" {
		t.Errorf("the guest said %q", got)
	}
}

func TestTenGuestsAtOnce(t *testing.T) {
	b := newBackend(t, t.TempDir())
	var wg sync.WaitGroup
	for i := range 10 {
		k := newKeys(t, fmt.Sprintf("crowd-%d", i), "tiny")
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
			defer cancel()
			if err := errors.Join(b.Create(ctx, k.spec), b.Start(ctx, k.spec.ID)); err != nil {
				t.Error(err)
				return
			}
			if out, err := k.try(t, b, "hostname"); err != nil || out != k.spec.ID {
				t.Errorf("guest %s said %q, %v", k.spec.ID, out, err)
			}
		})
	}
	wg.Wait()
}

func TestPowerOffAndRebootFromInside(t *testing.T) {
	b := newBackend(t, t.TempDir())
	k := started(t, b, "power")
	k.run(t, b, "echo kept > /root/file && sync; echo gone > /run/file")
	events := b.Watch(t.Context())
	_, _ = k.try(t, b, "reboot")
	expect(t, events, "power", vmbackend.Starting)
	expect(t, events, "power", vmbackend.Running)
	if got := k.run(t, b, "cat /root/file; ls /run/file 2>/dev/null || echo fresh"); got != "kept\nfresh" {
		t.Errorf("after a reboot the guest said %q", got)
	}
	_, _ = k.try(t, b, "poweroff")
	if reason := expect(t, events, "power", vmbackend.Stopped); !strings.Contains(reason, "powered off") {
		t.Errorf("the reason is %q", reason)
	}
}

func TestKernelPanicEndsTheGuest(t *testing.T) {
	b := newBackend(t, t.TempDir())
	k := started(t, b, "panic")
	events := b.Watch(t.Context())
	_, _ = k.try(t, b, "echo 2 > /proc/sys/vm/panic_on_oom && tail /dev/zero")
	expect(t, events, "panic", vmbackend.Stopped)
	if err := b.Start(t.Context(), "panic"); err != nil {
		t.Fatal(err)
	}
}

func TestFullDiskInTheGuest(t *testing.T) {
	b := newBackend(t, t.TempDir())
	k := started(t, b, "full")
	out, err := k.try(t, b, "dd if=/dev/urandom of=/root/big bs=64k; sync")
	if !strings.Contains(out, "No space left") {
		t.Fatalf("filling the disk: %v\n%s", err, out)
	}
	if got := k.run(t, b, "echo still here"); got != "still here" {
		t.Errorf("with a full disk the guest said %q", got)
	}
	stats, err := b.Stats(t.Context(), "full")
	if err != nil {
		t.Fatal(err)
	}
	if size := testImage(t, "tiny").Size; stats.Disk > size+size/8 {
		t.Errorf("the guest takes %d bytes on the host over an image of %d", stats.Disk, size)
	}
	k.run(t, b, "rm /root/big && echo again > /root/file")
}

// TestFullDiskOnTheHost lets the host refuse writes, as a full disk would.
func TestFullDiskOnTheHost(t *testing.T) {
	b := newBackend(t, t.TempDir())
	k := created(t, b, "squeezed")
	r, err := b.readRecord("squeezed")
	if err != nil {
		t.Fatal(err)
	}
	image := testImage(t, "tiny")
	const hostLimit = 48 << 20 // enough for this guest's memory, not for its disk
	cfg := b.shimConfig(r, image.Path, image.Size)
	cfg.Jail.Limits.FileSize = hostLimit
	cfg.Jail.Args = commandLine(hostLimit, nil)
	if _, err := shim.Launch(t.Context(), b.parts.shim, b.folder("squeezed"), cfg); err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context(), "squeezed"); err != nil {
		t.Fatal(err)
	}
	_, _ = k.try(t, b, "dd if=/dev/zero of=/root/big bs=64k count=600; sync")
	if got := k.run(t, b, "echo still here"); got != "still here" {
		t.Errorf("with the host's disk full the guest said %q", got)
	}
}

func TestStartFailureShowsTheConsole(t *testing.T) {
	b := newBackend(t, t.TempDir())
	b.cfg.StartTimeout = patience
	created(t, b, "broken")
	if err := os.Truncate(filepath.Join(b.folder("broken"), diskFile), 0); err != nil {
		t.Fatal(err)
	}
	err := b.Start(t.Context(), "broken")
	if err == nil {
		t.Fatal("a guest without a disk started")
	}
	for _, want := range []string{"start guest broken", "console", "Reset the guest"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not mention %q:\n%v", want, err)
		}
	}
	if got := state(t, b, "broken"); got != vmbackend.Stopped {
		t.Errorf("the guest is %s", got)
	}
}

func TestDialStreamsAreIndependent(t *testing.T) {
	b := newBackend(t, t.TempDir())
	k := started(t, b, "streams")
	slow, err := b.Dial(t.Context(), "streams") // says nothing for ever
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	client, err := k.login(t.Context(), b, "root")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	output, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Start("yes"); err != nil { // and nobody reads it
		t.Fatal(err)
	}
	if _, err := io.ReadFull(output, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if got := k.run(t, b, "hostname"); got != "streams" {
		t.Errorf("beside idle and flooding streams the guest said %q", got)
	}
}

func TestAnotherGuestsKeyIsRefused(t *testing.T) {
	b := newBackend(t, t.TempDir())
	k := started(t, b, "mine")
	stranger := newKeys(t, "mine", "tiny")
	stranger.host = k.host
	_, err := stranger.login(t.Context(), b, "root")
	if err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
		t.Errorf("another guest's key: %v", err)
	}
	impostor := k
	impostor.host = stranger.client
	if _, err := impostor.login(t.Context(), b, "root"); err == nil {
		t.Error("a wrong host key was accepted")
	}
}
