package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"labmark": main})
}

// TestCommands runs the command line as people do; see testdata.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: func(env *testscript.Env) error {
		env.Setenv("HOME", env.WorkDir)
		env.Setenv("LABMARK_DATA_DIR", env.WorkDir+"/data")
		env.Setenv("LABMARK_IMAGE_DIR", env.WorkDir+"/images")
		return nil
	}})
}
