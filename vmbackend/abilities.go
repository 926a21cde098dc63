package vmbackend

import (
	"context"
	"errors"
	"net"
	"time"
)

// What some backends can do beyond Backend. Callers ask by a type assertion.

// Errors of nodes, told apart with errors.Is.
var (
	// ErrUnreachable says that the node does not answer. What was asked for may
	// have happened all the same.
	ErrUnreachable = errors.New("the node cannot be reached")
	// ErrNotOffered says that this node or image cannot do what was asked.
	ErrNotOffered = errors.New("not offered here")
)

// Suspender is the ability to freeze a running guest, so that it costs no
// processor time, and to thaw it where it was.
type Suspender interface {
	Suspend(ctx context.Context, id string) error
	Resume(ctx context.Context, id string) error
}

// Snapshotter is the ability to keep a running guest's whole state under a
// name, memory and disk, and to bring it back. A snapshot goes with its guest.
type Snapshotter interface {
	// Snapshot replaces an older one of the same name. The guest goes on.
	Snapshot(ctx context.Context, id, name string) error
	// Rewind brings the guest back to a snapshot, running, whatever it does
	// now. Open streams end. ErrNoSnapshot if there is none of that name.
	Rewind(ctx context.Context, id, name string) error
}

// ErrNoSnapshot is returned by Rewind.
var ErrNoSnapshot = errors.New("no such snapshot")

// Desktop is the ability to show a guest's screen.
type Desktop interface {
	// DialDesktop opens a stream that speaks RFB (RFC 6143) without
	// authentication: whoever may call this may see the screen. ErrNotOffered
	// for a guest without one. Any number may be open.
	DialDesktop(ctx context.Context, id string) (net.Conn, error)
}

// Host is the ability to tell about the machine that guests run on.
type Host interface {
	// Host measures it now. ErrUnreachable if it does not answer.
	Host(ctx context.Context) (HostStats, error)
	// Examine looks for all that guests need there, and says what is missing
	// and how to mend it. It finds what it can even when much is missing.
	Examine(ctx context.Context) []Finding
}

// HostStats is one measurement of the machine that guests run on.
type HostStats struct {
	// Memory and MemoryFree are in bytes. Free includes what caches would give.
	Memory, MemoryFree int64
	CPUs               int
	// Busy is the share of all processors' time that was used lately, 0 to 1.
	Busy float64
	// DiskFree is the room for guests' disks, in bytes.
	DiskFree int64
	// KVM says that guests run on the processor itself, not emulated.
	KVM bool
}

// Finding is one result of Host.Examine.
type Finding struct {
	// Subject is what was looked at, in a word or two.
	Subject string
	Level   Level
	// Text says what was found.
	Text string
	// Mend says what to do about it; empty when all is well.
	Mend string
}

// Level of a finding. Only Bad keeps guests from running.
type Level string

const (
	Good Level = "good"
	Fair Level = "fair"
	Bad  Level = "bad"
)

// ImageHolder is the ability of a backend with a storage of its own to be
// given images. Create brings one there that is missing; who can't wait for
// that asks for it earlier.
type ImageHolder interface {
	HasImage(ctx context.Context, digest string) (bool, error)
	// PutImage copies an image to the node and holds it against its checksum.
	// report, which may be nil, gets the share that is done, 0 to 1.
	PutImage(ctx context.Context, digest string, report func(share float64)) error
	// DropImage removes an image, and what was derived from it. ErrWrongState
	// while guests use it.
	DropImage(ctx context.Context, digest string) error
}

// Preparer is the ability to get ready for instant guests: to boot an image
// once and save the machine that new guests are then cloned from. Create and
// Start work without it, only slower at first.
type Preparer interface {
	Prepare(ctx context.Context, shape Shape) error
}

// Shape is what two guests must have in common to be clones of one machine.
type Shape struct {
	Image   string // digest
	Memory  int64  // bytes; 0 takes the backend's default
	Desktop bool
}

// What a course may open for its guests, see Spec.Open.
const (
	// OpenMirror lets a guest install packages: its agent offers a proxy inside
	// the guest, whose requests go through the line, not through a network,
	// to the gateway's own proxy to a package mirror.
	OpenMirror = "mirror"
)

// ProbePatience is how long a look at a node may take.
const ProbePatience = 5 * time.Second
