// Package shim supervises one User-Mode Linux guest from a process of its
// own, so that guests outlive the server that started them and one guest's
// trouble harms no other.
//
// The shim is the parent of the jailed kernel and holds the host's ends of its
// serial line and its network card. It serves a unix socket in the guest's
// folder (see Client) and ends with the guest, as the guest ends with it: the
// kernel is process 1 of a pid namespace that dies with its parent.
package shim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestlink"
	"github.com/labmark/labmark/vmbackend/jail"
)

// Names of files in a guest's folder.
const (
	SocketFile  = "shim.sock"   // the shim's socket, there while it runs
	ConfigFile  = "run.json"    // Config, written by whoever starts the shim
	ConsoleFile = "console.log" // what the guest's kernel printed, capped
	EndFile     = "ended.json"  // Event: how the guest ended last
	LogFile     = "shim.log"    // what the shim complained about
	pidFile     = "shim.pid"
)

// Descriptors that whoever starts the shim passes to it.
const (
	listenerFD = 3 // the listening socket
	lockFD     = 4 // the guest's lock, kept until shim and kernel have ended
)

// Config is all that a shim needs to run its guest.
type Config struct {
	// Jail runs the kernel; the shim adds its Files: 1 and 2 the console, 3
	// the serial line, then the network cards and the lock.
	Jail jail.Spec `json:"jail"`
	// Personal makes the guest personal; the shim adds time and entropy.
	Personal guestlink.Personal `json:"personal"`
	// StartTimeout bounds the time from power-on to the first answer.
	StartTimeout time.Duration `json:"start_timeout"`
	// Mirror is the unix socket of the gateway's package mirror, for a guest
	// that may reach it as Guest; empty for all others.
	Mirror string `json:"mirror,omitempty"`
	Guest  string `json:"guest,omitempty"`
	// Cards are plugged into the networks whose folders are below Networks;
	// without any, the guest has the sealed one.
	Cards    []vmbackend.Card `json:"cards,omitempty"`
	Networks string           `json:"networks,omitempty"`
}

// Run supervises the guest whose folder is the working directory, until the
// guest ends. It expects the descriptors that Launch passes.
func Run() error {
	// A supervisor has little garbage and many siblings: rather collect often.
	debug.SetGCPercent(20)
	data, err := os.ReadFile(ConfigFile)
	if err != nil {
		return err
	}
	var cfg Config
	if err := json.Unmarshal(data, &cfg); err != nil {
		return fmt.Errorf("%s: %w", ConfigFile, err)
	}
	syscall.CloseOnExec(listenerFD)
	file := os.NewFile(listenerFD, SocketFile)
	listener, err := net.FileListener(file)
	if err != nil {
		return fmt.Errorf("the socket at descriptor %d: %w", listenerFD, err)
	}
	file.Close()
	s := newSupervisor(cfg)
	s.lock = os.NewFile(lockFD, lockFile)
	go s.serve(listener)
	reason := s.supervise()
	s.finish(reason)
	_ = listener.Close()
	return nil
}

// supervise boots the guest, again for each reboot, and returns why it ended.
func (s *supervisor) supervise() (reason string) {
	console, err := openConsole(ConsoleFile)
	if err != nil {
		return err.Error()
	}
	defer console.Close()
	for {
		reason, reboot := s.boot(console)
		if !reboot {
			return reason
		}
		s.enter(Event{State: vmbackend.Starting, Reason: "the guest reboots"})
	}
}

// boot runs the guest's kernel once.
func (s *supervisor) boot(console *console) (reason string, reboot bool) {
	wires, err := newWires(console, s.lock, max(1, len(s.cfg.Cards)))
	if err != nil {
		return err.Error(), false
	}
	defer wires.Close()
	spec := s.cfg.Jail
	spec.Files = wires.descriptors()
	if err := s.plugIn(wires.cards); err != nil {
		return err.Error(), false
	}
	defer s.unplug()
	process, err := jail.Start(spec)
	wires.letGo()
	if err != nil {
		return err.Error(), false
	}
	spare := context.AfterFunc(s.life, process.Kill)
	defer spare()
	s.setPid(process.Pid)
	preferToKill(process.Pid)
	if len(s.cfg.Cards) == 0 {
		go answerNetwork(wires.cards[0])
	}

	link := s.keepLink(wires.serial, process)
	<-process.Ended()
	bye := link.end()
	switch {
	case s.life.Err() != nil:
		return context.Cause(s.life).Error(), false
	case bye == "reboot":
		return "", true
	case bye == "poweroff":
		return "the guest powered off", false
	case process.Err() != nil:
		return "the guest's kernel ended: " + process.Err().Error(), false
	default:
		return "the guest's kernel ended", false
	}
}

// preferToKill makes the host, when it runs out of memory, take a guest
// rather than a server. It is a wish: failing, nothing else is lost.
func preferToKill(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("500"), 0)
}

var errStopped = errors.New("stopped")
