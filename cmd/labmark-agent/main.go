// Command labmark-agent is the first process of a guest. See package agent.
package main

import (
	"fmt"
	"os"

	"github.com/labmark/labmark/vmbackend/agent"
)

func main() {
	if status, ok := agent.PowerCommand(os.Args); ok {
		os.Exit(status)
	}
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "labmark-agent: this is a guest's first process, started by its kernel; it does nothing else")
		os.Exit(2)
	}
	agent.Init()
}
