// Command labmark-agent is the first process of a guest, or a service of one
// that boots by itself. See package agent.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/labmark/labmark/vmbackend/agent"
	"github.com/labmark/labmark/vmbackend/agent/curl"
)

func main() {
	if status, ok := agent.PowerCommand(os.Args); ok {
		os.Exit(status)
	}
	if filepath.Base(os.Args[0]) == "curl" {
		os.Exit(curl.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	if len(os.Args) == 2 && os.Args[1] == agent.ServeCommand {
		fmt.Fprintln(os.Stderr, "labmark-agent:", agent.Serve())
		os.Exit(1)
	}
	if len(os.Args) == 2 && os.Args[1] == agent.FactsCommand && os.Getpid() != 1 {
		if err := agent.Facts(); err != nil {
			fmt.Fprintln(os.Stderr, "labmark-agent:", err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 2 && os.Args[1] == agent.SFTPCommand && os.Getpid() != 1 {
		if err := agent.SFTP(); err != nil {
			fmt.Fprintln(os.Stderr, "labmark-agent:", err)
			os.Exit(1)
		}
		return
	}
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "labmark-agent: this is a guest's first process, started by its kernel, or with the word serve a service of its init")
		os.Exit(2)
	}
	agent.Init()
}
