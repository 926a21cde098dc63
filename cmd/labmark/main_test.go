package main

import (
	"cmp"
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/labmark/labmark/vmbackend/image"
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
		env.Setenv("TEST_IMAGE_DIR", guestImages())
		env.Setenv("LABMARK_KERNEL", os.Getenv("LABMARK_TEST_KERNEL"))
		return nil
	}, Condition: func(condition string) (bool, error) {
		if condition != "guests" {
			return false, fmt.Errorf("there is no condition %q", condition)
		}
		return canBoot(), nil
	}})
}

// guestImages is the folder of images that guests in tests are made from.
func guestImages() string {
	return cmp.Or(os.Getenv("LABMARK_TEST_IMAGE_DIR"), image.DefaultDir())
}

// canBoot says whether real guests can be started here.
func canBoot() bool {
	store, err := image.Open(guestImages())
	if err != nil {
		return false
	}
	_, err = store.Resolve("debian-12")
	return err == nil
}
