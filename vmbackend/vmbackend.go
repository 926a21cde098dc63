// Package vmbackend is the contract between Labmark and whatever runs guests.
//
// A guest is one student's Linux machine. A Backend creates guests from
// immutable images, starts them, hands out byte streams to the SSH server
// inside, and destroys them. It knows nothing of students, courses or marks.
//
// # Concurrency
//
// Every method may be called from any goroutine at any time. Calls for
// different guests run side by side; calls for the same guest take effect one
// after another, in an order the caller must not rely on. Destroy wins: once
// it has returned, no earlier call brings the guest back.
//
// # Order
//
// Create, then Start, then Dial, Stop, Start … as often as wanted, then
// Destroy. A call in the wrong order returns ErrWrongState and changes nothing.
// Guests outlive the process that created them: after a crash a new Backend
// over the same storage lists them and takes them over.
//
// # Deadlines
//
// Every call returns soon after its context ends, with an error that wraps
// the context's. A caller that sets no deadline gets DefaultTimeout. A call
// that gave up may still take effect later; List tells the truth.
package vmbackend

import (
	"context"
	"errors"
	"net"
	"time"
)

// DefaultTimeout bounds a call whose context carries no deadline.
const DefaultTimeout = 2 * time.Minute

// Errors that callers tell apart with errors.Is. Backends wrap them with the
// guest's or image's name and, where there is one, the mend.
var (
	ErrNoGuest    = errors.New("no such guest")
	ErrNoImage    = errors.New("no such image")
	ErrExists     = errors.New("guest exists already")
	ErrWrongState = errors.New("the guest's state does not allow this")
	ErrFull       = errors.New("no room for another guest")
)

// Backend runs guests. See the package comment for what holds for all methods.
type Backend interface {
	// Create sets up a guest's disk over its image and stores spec, without
	// starting it. It returns ErrExists, ErrNoImage or ErrFull.
	Create(ctx context.Context, spec Spec) error

	// Start boots a created or stopped guest and returns when its SSH server
	// can be dialled. Starting a running guest does nothing.
	Start(ctx context.Context, id string) error

	// Dial opens a new stream to the SSH server inside a running guest. The
	// stream never crosses the guest's own network. Any number may be open.
	Dial(ctx context.Context, id string) (net.Conn, error)

	// Stop ends a guest at once, as pulling the plug would. Its disk stays.
	// Stopping a guest that does not run does nothing.
	Stop(ctx context.Context, id string) error

	// Destroy stops a guest and removes all that belongs to it. Destroying a
	// guest that does not exist does nothing, so it can always be repeated.
	Destroy(ctx context.Context, id string) error

	// List returns every guest that this backend's storage knows, also those
	// left by a crashed predecessor. Order is by ID.
	List(ctx context.Context) ([]Guest, error)

	// Stats measures one running guest.
	Stats(ctx context.Context, id string) (Stats, error)

	// Watch reports state changes from now on, until ctx ends; then it closes
	// the channel. A slow reader loses events, never the backend its pace:
	// events are hints to look sooner, List stays the truth.
	Watch(ctx context.Context) <-chan Event

	// Close lets go of all guests without ending them.
	Close() error
}

// Spec describes a guest to create.
type Spec struct {
	// ID names the guest: 1 to 40 of [a-z0-9-], chosen by the caller.
	ID string `json:"id"`
	// Image is the digest of an image ("sha256:" and 64 hex digits).
	Image string `json:"image"`
	// Memory is the guest's RAM in bytes; 0 takes the backend's default.
	Memory int64 `json:"memory,omitempty"`
	// Hostname is what the guest calls itself; empty takes ID.
	Hostname string `json:"hostname,omitempty"`
	// HostKey is the private key of the guest's SSH server, in OpenSSH's PEM
	// form. Each guest has its own; whoever dials verifies it.
	HostKey []byte `json:"host_key"`
	// AuthorizedKey may log in to every account, in authorized_keys form.
	AuthorizedKey []byte `json:"authorized_key"`
	// Desktop asks for a screen; see type Desktop.
	Desktop bool `json:"desktop,omitempty"`
	// Open lists what the course opens for this guest: OpenMirror or nothing.
	Open []string `json:"open,omitempty"`
	// Cards join the guest to networks of its student; see type Card. A guest
	// with cards has no sealed network beside them. ErrNotOffered where the
	// backend has none.
	Cards []Card `json:"cards,omitempty"`
	// Hosts are names that the guest knows, for /etc/hosts.
	Hosts []HostName `json:"hosts,omitempty"`
	// Labels are kept with the guest and returned by List. They let a gateway
	// recognise its guests after a crash.
	Labels map[string]string `json:"labels,omitempty"`
}

// State is what a guest is doing.
type State string

// A guest is Created until its first start. Stopped covers both a guest that
// was stopped and one that ended by itself.
const (
	Created   State = "created"
	Starting  State = "starting"
	Running   State = "running"
	Suspended State = "suspended"
	Stopped   State = "stopped"
	// Lost guests are on a node that has not answered for some time. They may
	// be running there; nobody can reach them.
	Lost State = "lost"
)

// Guest is one line of List.
type Guest struct {
	ID     string
	State  State
	Image  string
	Labels map[string]string
	// Node is the machine that the guest is on; empty where there is only one.
	Node string
	// Since is when State was entered, as far as the backend knows.
	Since time.Time
}

// Stats is one measurement of a running guest.
type Stats struct {
	// CPU is the processor time that the guest has used since its start.
	CPU time.Duration
	// Memory is the host memory that the guest occupies, in bytes; shared
	// pages are split among the sharers (proportional set size).
	Memory int64
	// Disk is what the guest occupies on the host beyond its image, in bytes.
	Disk int64
}

// Event says that a guest entered a state.
type Event struct {
	ID    string
	State State
	// Reason says why, in words for an administrator; may be empty.
	Reason string
}
