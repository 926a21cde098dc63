package agent

import (
	"context"
	"os"

	"github.com/labmark/labmark/internal/facts"
)

// Facts is the agent's binary as FactsCommand: it answers one question from
// standard input. In a guest its PATH begins with the toolbox; on machines
// without one the shell is theirs.
func Facts() error {
	m := facts.Machine{Root: "/", Shell: "/bin/sh"}
	if shell := toolboxPath + "/bash"; executable(shell) {
		m.Shell, m.Path = shell, CheckPath
	}
	return facts.Serve(context.Background(), os.Stdin, os.Stdout, m)
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
