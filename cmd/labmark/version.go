package main

import (
	"fmt"
	"io"
	"runtime/debug"
)

// version is set by releases through the linker.
var version = "development"

type versionCmd struct{}

func (versionCmd) Run(out io.Writer) error {
	revision, changed := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = " " + s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				changed = " with changes"
			}
		}
		_, err := fmt.Fprintf(out, "labmark %s%s%s, built with %s\n", version, revision, changed, info.GoVersion)
		return err
	}
	_, err := fmt.Fprintf(out, "labmark %s\n", version)
	return err
}
