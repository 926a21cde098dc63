// Command probe is what a test uploads into a guest, to try from there, as
// root, what should not be possible. Package vmbackendtest builds and runs it.
//
//	probe shout TOKEN PORT TARGET…   send everything to everybody; JSON of what came back
//	probe watch TOKEN                until standard input ends; JSON of what was heard
//	probe search NODE                look on all disks for what standard input says, by a device node
//	probe line DEVICE                misbehave on the line to the host
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// Report is what the probe prints.
type report struct {
	// Interfaces are the guest's network cards, or its disks; Sent counts
	// frames.
	Interfaces []string
	Sent       int
	// Connected are the targets that took a connection, Heard the frames that
	// came in, in words, or what was found on disks.
	Connected, Heard []string
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("too few arguments: %q", args)
	}
	var r report
	var err error
	switch args[0] {
	case "shout":
		r, err = shout(args[1], args[2], args[3:])
	case "watch":
		r, err = watch(args[1])
	case "search":
		r, err = search(args[1])
	case "line":
		return misbehave(args[1])
	default:
		err = fmt.Errorf("unknown command %q", args[0])
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}
