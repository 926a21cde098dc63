// Command labmark-agent is the first process of a guest, or a service of one
// that boots by itself. See package agent.
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
	if len(os.Args) == 2 && os.Args[1] == agent.ServeCommand {
		fmt.Fprintln(os.Stderr, "labmark-agent:", agent.Serve())
		os.Exit(1)
	}
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "labmark-agent: this is a guest's first process, started by its kernel, or with the word serve a service of its init")
		os.Exit(2)
	}
	agent.Init()
}
