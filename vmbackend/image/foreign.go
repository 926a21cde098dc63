package image

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// binfmt is where the kernel lists the interpreters of foreign programs.
const binfmt = "/proc/sys/fs/binfmt_misc"

// prepareForeign makes building for another processor possible, or says what
// is missing for it. The variant extract runs nothing but busybox, for which
// this machine's own stands in; others run the packages' scripts.
func (w *workshop) prepareForeign(ctx context.Context, s *Store, r *Recipe) error {
	a := r.arch()
	if a.native() {
		return nil
	}
	if r.Variant != Extract {
		if _, err := os.Stat(filepath.Join(binfmt, "qemu-"+a.name)); err != nil {
			return fmt.Errorf("this machine cannot run programs for %s, which the packages' own scripts are: "+
				"apt-get install qemu-user-static binfmt-support; a recipe of the variant extract does without", a.name)
		}
		return nil
	}
	for _, own := range architectures {
		if own.golang == runtime.GOARCH {
			unlock, err := s.lockKernels(ctx, own)
			if err != nil {
				return err
			}
			defer unlock()
			apt, err := newArchive(ctx, filepath.Join(s.kernelDir(own), "apt"), own, r.Base)
			if err != nil {
				return err
			}
			if err := os.Mkdir(w.path("native"), 0o755); err != nil {
				return err
			}
			return apt.unpack(ctx, "busybox-static", w.path("native"))
		}
	}
	return fmt.Errorf("images for %s cannot be built on a machine of Go's architecture %s", a.name, runtime.GOARCH)
}

// nativeBusybox is the one that stands in for the image's own while its files
// are put in place; empty where that runs here itself.
func (w *workshop) nativeBusybox(r *Recipe) string {
	if r.arch().native() || r.Variant != Extract {
		return ""
	}
	return w.path("native/bin/busybox")
}
