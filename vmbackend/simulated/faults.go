package simulated

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Call names what a fault befalls.
type Call string

// The calls of a Backend, and Exec and Shell: what a client asks of the SSH
// server inside a guest.
const (
	Create  Call = "create"
	Start   Call = "start"
	Dial    Call = "dial"
	Stop    Call = "stop"
	Destroy Call = "destroy"
	List    Call = "list"
	Stats   Call = "stats"
	Host    Call = "host"
	Suspend Call = "suspend"
	Resume  Call = "resume"
	Exec    Call = "exec"
	Shell   Call = "shell"
)

// Fault is something that goes wrong. Its fields combine: first the delay,
// then the guest's death, then hanging, then the error.
type Fault struct {
	// Call is what the fault befalls; empty means every call.
	Call Call
	// Guest is the guest it befalls; empty means all of them. List and Host
	// are calls for no guest.
	Guest string
	// Times is how often it happens; 0 means until it is removed.
	Times int

	// Delay makes the call slow, by the clock (testing/synctest's, in its
	// bubble).
	Delay time.Duration
	// Dies ends the guest before the call goes on.
	Dies bool
	// Hang makes the call wait until its context ends: for Exec and Shell,
	// until the client goes away.
	Hang bool
	// Err fails the call. An Exec fails as a server that refuses to run
	// anything: status 126 and the error on standard error.
	Err error

	// CutAfter ends a dialled stream when the guest has sent so many bytes
	// on it. Dial only.
	CutAfter int64
	// WrongHostKey lets a dialled stream's SSH server prove another identity
	// than the guest's. Dial only.
	WrongHostKey bool
	// Silent lets a dialled stream's SSH server never say a word. Dial only.
	Silent bool
	// Endless lets a command print for ever instead of running. Exec only.
	Endless bool
}

// Faults holds the faults of one or more Backends. It may be changed at any
// time, from any goroutine; a call meets the faults of the moment it begins.
// The zero value holds none.
type Faults struct {
	mu    sync.Mutex
	rules []*rule
}

type rule struct {
	Fault
	left int // how often it still happens; negative means for ever
}

// Add lets f happen from now on, until remove is called or its Times are
// used up.
func (fs *Faults) Add(f Fault) (remove func()) {
	r := &rule{Fault: f, left: f.Times}
	if f.Times == 0 {
		r.left = -1
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.rules = append(fs.rules, r)
	return func() { fs.drop(func(other *rule) bool { return other == r }) }
}

// Clear removes all faults.
func (fs *Faults) Clear() { fs.drop(func(*rule) bool { return true }) }

func (fs *Faults) drop(which func(*rule) bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.rules = slices.DeleteFunc(fs.rules, which)
}

// take joins all faults that befall this call into one, and counts them.
func (fs *Faults) take(call Call, guest string) Fault {
	var sum Fault
	if fs == nil {
		return sum
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, r := range fs.rules {
		if r.left == 0 || r.Call != "" && r.Call != call || r.Guest != "" && r.Guest != guest {
			continue
		}
		r.left = max(-1, r.left-1)
		sum.join(r.Fault)
	}
	return sum
}

func (f *Fault) join(o Fault) {
	f.Delay += o.Delay
	f.Dies = f.Dies || o.Dies
	f.Hang = f.Hang || o.Hang
	f.WrongHostKey = f.WrongHostKey || o.WrongHostKey
	f.Silent = f.Silent || o.Silent
	f.Endless = f.Endless || o.Endless
	if o.Err != nil {
		f.Err = o.Err
	}
	if o.CutAfter > 0 && (f.CutAfter == 0 || o.CutAfter < f.CutAfter) {
		f.CutAfter = o.CutAfter
	}
}

// befall lets the part of a fault happen that all calls share. die ends the
// guest; it may be nil.
func (f Fault) befall(ctx context.Context, die func()) error {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if f.Dies && die != nil {
		die()
	}
	if f.Hang {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return f.Err
}
