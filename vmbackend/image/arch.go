package image

import (
	"fmt"
	"runtime"
)

// architecture is what differs between the processors that guests can have.
type architecture struct {
	// name is the recipe's word and QEMU's, debian is dpkg's, golang is Go's.
	name, debian, golang string
	// cloud and generic are the packages of Debian's kernels: the small one
	// for virtual machines and the one with drivers for all there is.
	cloud, generic string
	// words are for the kernel: the name of the first serial line that QEMU
	// gives it, and what it should know of an emulated machine.
	words string
}

// architectures begin with the one that is meant when nothing is said.
var architectures = []architecture{
	{"x86_64", "amd64", "amd64", "linux-image-cloud-amd64", "linux-image-amd64",
		// On a busy host the kernel's test of the timer finds a fault that is none.
		"console=ttyS0 no_timer_check"},
	{"aarch64", "arm64", "arm64", "linux-image-cloud-arm64", "linux-image-arm64", "console=ttyAMA0"},
	{"s390x", "s390x", "s390x", "linux-image-s390x", "linux-image-s390x", "console=ttysclp0"},
}

// byArch finds an architecture by any of its words; "" is the first.
func byArch(word string) (architecture, error) {
	if word == "" {
		return architectures[0], nil
	}
	for _, a := range architectures {
		if word == a.name || word == a.debian {
			return a, nil
		}
	}
	return architecture{}, fmt.Errorf("there are no guests with the processor %q, only with x86_64, aarch64 and s390x", word)
}

// arch is the recipe's architecture; without a name if there is none such.
func (r *Recipe) arch() architecture {
	a, _ := byArch(r.Arch)
	return a
}

// native says whether programs for it run on this machine.
func (a architecture) native() bool { return a.golang == runtime.GOARCH }

// Native says whether the image is for this machine's own processor.
func (i Image) Native() bool {
	a, err := byArch(i.Arch)
	return err == nil && a.native()
}

// stored is how an image's Arch says it.
func (a architecture) stored() string {
	if a == architectures[0] {
		return ""
	}
	return a.debian
}

// kernelPackage is the package of the wanted flavour of Debian's kernel.
func (a architecture) kernelPackage(flavour string) string {
	if flavour == Generic {
		return a.generic
	}
	return a.cloud
}
