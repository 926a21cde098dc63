package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// virtioPrefix begins the name of a line that is a virtio-serial port.
const virtioPrefix = "virtio:"

// portClass is where the kernel lists virtio-serial ports.
const portClass = "/sys/class/virtio-ports"

// openPort opens the port that the host has given this name. Only one program
// at a time may have a port open: who never closes it keeps everybody else in
// the guest from taking its place.
func openPort(class, name string) (fd int, err error) {
	device, err := findPort(class, name)
	if err != nil {
		return -1, err
	}
	if fd, err = unix.Open(device, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err != nil {
		return -1, fmt.Errorf("opening %s: %w", device, err)
	}
	return fd, nil
}

// findPort returns the device of the port called name, made if it is missing.
func findPort(class, name string) (string, error) {
	entries, err := os.ReadDir(class)
	if err != nil {
		return "", fmt.Errorf("the kernel has no virtio-serial ports: %w", err)
	}
	for _, e := range entries {
		if firstWord(filepath.Join(class, e.Name(), "name")) == name {
			return portDevice(filepath.Join(class, e.Name()), "/dev/"+e.Name())
		}
	}
	return "", fmt.Errorf("the machine has no virtio-serial port called %s", name)
}

// portDevice makes sure that path is the device that sysfs tells of.
func portDevice(sys, path string) (string, error) {
	major, minor, _ := strings.Cut(firstWord(filepath.Join(sys, "dev")), ":")
	a, err1 := strconv.ParseUint(major, 10, 32)
	b, err2 := strconv.ParseUint(minor, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return "", err
	}
	device := unix.Mkdev(uint32(a), uint32(b))
	var st unix.Stat_t
	if unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == device {
		return path, nil
	}
	_ = os.RemoveAll(path)
	if err := unix.Mknod(path, unix.S_IFCHR|0o600, int(device)); err != nil {
		return "", fmt.Errorf("making %s: %w", path, err)
	}
	return path, nil
}
