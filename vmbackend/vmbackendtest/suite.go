// Package vmbackendtest holds every sentence of package vmbackend's contract
// against a backend that claims to keep it. A backend's own tests call Run:
//
//	func TestContract(t *testing.T) {
//		vmbackendtest.Run(t, vmbackendtest.Options{
//			New: func(t *testing.T, dir string) vmbackend.Backend {
//				b, err := uml.New(uml.Options{Dir: dir, Images: store})
//				if err != nil {
//					t.Fatal(err)
//				}
//				return b
//			},
//			Image:    tiny.Digest,
//			Patience: 2 * time.Minute,
//		})
//	}
//
// The image needs the accounts root and student, sh with the usual builtins,
// and cat, hostname, id, sleep, sync and yes: the built-in image "tiny" will do.
package vmbackendtest

import (
	"testing"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// Options describe the backend under test.
type Options struct {
	// New opens the backend over a folder. The suite closes what it opens.
	// With a folder that was used before, the guests in it must be taken over:
	// Close, then New, is as near as a test comes to a crash. Use t.Cleanup
	// for what is left to do when everything is destroyed.
	New func(t *testing.T, dir string) vmbackend.Backend
	// Image is the digest of an image that can be booted.
	Image string
	// Memory is each guest's RAM in bytes; 0 leaves it to the backend.
	Memory int64
	// Patience is how long anything at all may take before the suite calls it
	// hung; 0 means a minute. It costs nothing when all goes well.
	Patience time.Duration
	// Guests is how many run side by side in one test; 0 means 4.
	Guests int
	// Streams is how many are open to one guest in one test; 0 means 8.
	Streams int
	// PowerOff is the command by which a guest ends itself, run as root;
	// empty means poweroff.
	PowerOff string
	// Full opens a backend with room for a single guest. Nil says, in the
	// test's output, that the backend knows no limit.
	Full func(t *testing.T, dir string) vmbackend.Backend
	// Suspends says that the backend is a vmbackend.Suspender.
	Suspends bool
	// Snapshots says that the backend is a vmbackend.Snapshotter whose guests
	// can all be kept.
	Snapshots bool
	// Wired says that the cards of guests carry frames to others. The image
	// needs busybox's ip and ping, too.
	Wired bool
}

// Run runs the whole suite as subtests of t.
func Run(t *testing.T, o Options) {
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	if o.Guests == 0 {
		o.Guests = 4
	}
	if o.Streams == 0 {
		o.Streams = 8
	}
	if o.PowerOff == "" {
		o.PowerOff = "poweroff"
	}
	for _, part := range []struct {
		name string
		test func(*bench)
	}{
		{"Create", testCreate},
		{"CreateRefuses", testCreateRefuses},
		{"CreateFull", testCreateFull},
		{"NoGuest", testNoGuest},
		{"WrongState", testWrongState},
		{"Repeating", testRepeating},
		{"StopKeepsTheDisk", testStopKeepsTheDisk},
		{"DestroyRemovesTheDisk", testDestroyRemovesTheDisk},
		{"LongName", testLongName},
		{"HostKey", testHostKey},
		{"AuthorizedKey", testAuthorizedKey},
		{"Hostname", testHostname},
		{"Exec", testExec},
		{"ManyStreams", testManyStreams},
		{"StreamsAreIndependent", testStreamsAreIndependent},
		{"StreamDeadline", testStreamDeadline},
		{"StopEndsStreams", testStopEndsStreams},
		{"EndedContext", testEndedContext},
		{"ShortDeadline", testShortDeadline},
		{"GuestsSideBySide", testGuestsSideBySide},
		{"StartTogether", testStartTogether},
		{"DestroyWins", testDestroyWins},
		{"DestroyWinsOverAll", testDestroyWinsOverAll},
		{"ListInOrder", testListInOrder},
		{"TakeOver", testTakeOver},
		{"TakeOverEnded", testTakeOverEnded},
		{"Watch", testWatch},
		{"WatchEnds", testWatchEnds},
		{"SlowWatcher", testSlowWatcher},
		{"EndsByItself", testEndsByItself},
		{"Stats", testStats},
		{"Suspend", testSuspend},
		{"SuspendedEnds", testSuspendedEnds},
		{"Snapshot", testSnapshot},
		{"SnapshotNames", testSnapshotNames},
		{"Cards", testCards},
		{"Networks", testNetworks},
		{"Links", testLinks},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(newBench(t, o)) })
	}
}
