package agent

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// loadModules loads all kernel modules in dir in their names' order and gives
// back the memory that they took as files. A module that does not fit the
// machine costs what it drives, not the boot.
func loadModules(dir string, log func(string, ...any)) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // User-Mode Linux has none
	}
	for _, e := range entries {
		if err := loadModule(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.ENODEV) {
			log("kernel module %s: %v", e.Name(), err)
		}
	}
	_ = os.RemoveAll(dir)
}

func loadModule(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	flags := 0
	if filepath.Ext(path) != ".ko" {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	return unix.FinitModule(int(f.Fd()), "", flags)
}
