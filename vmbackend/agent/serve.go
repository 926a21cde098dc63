package agent

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
)

// ServeCommand is the word that makes the agent a service of a machine that
// boots by itself.
const ServeCommand = "serve"

// defaultPort is the virtio-serial port of guests that are told of no other.
const defaultPort = virtioPrefix + "org.labmark.agent.0"

// Serve serves hosts at the virtio-serial port until the machine ends, as a
// service of its init. It needs root.
func Serve() error {
	if os.Geteuid() != 0 {
		return errors.New("the agent is a service of this machine and needs root")
	}
	debug.SetGCPercent(50)
	debug.SetMemoryLimit(memoryLimit)
	a, err := New(false)
	if err != nil {
		return err
	}
	if a.student, err = ownControlGroup(defaultPids()); err != nil {
		logf("students' processes are not limited: %v", err)
	}
	// The service is spared when memory runs out; what it starts is not.
	a.procs.ordinary = true
	(&guest{Agent: a}).serveLine(defaultPort)
	return nil
}

// makeOrdinary takes the agent's own privilege from a process that it started.
func makeOrdinary(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("0"), 0)
}
