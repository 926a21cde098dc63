package agent

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reseedNow makes the kernel's generator take what is in its pool at once,
// see RNDRESEEDCRNG in linux/random.h. By itself it would do so within a
// minute, and copies of one machine would draw the same numbers until then.
const reseedNow = 0x5207

// renewRandom credits data in full, see RNDADDENTROPY in random(4), and has
// the generator begin anew with them. The agent's own random numbers are the
// kernel's, drawn when they are needed.
func renewRandom(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	f, err := os.OpenFile("/dev/urandom", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	const most = 512
	data = data[:min(len(data), most)]
	info := struct {
		bits, size int32
		data       [most]byte
	}{bits: int32(8 * len(data)), size: int32(len(data))}
	copy(info.data[:], data)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), unix.RNDADDENTROPY, uintptr(unsafe.Pointer(&info))); errno != 0 {
		return errno
	}
	// A generator that had too little until now has just begun with them.
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), reseedNow, 0); errno != 0 && errno != unix.ENODATA {
		return errno
	}
	return nil
}

// ownerFile holds a digest of the host key of the guest whose disk this is.
const ownerFile = "var/lib/labmark/owner"

// renewMachineID draws a new machine-id for a disk that was another guest's,
// or nobody's, where the image has one at all. What the guest's own student
// makes of it later stays.
func renewMachineID(root string, hostKey []byte) error {
	sum := sha256.Sum256(hostKey)
	owner := hex.EncodeToString(sum[:])
	if firstWord(filepath.Join(root, ownerFile)) == owner {
		return nil
	}
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails, see crypto/rand
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	var failed error
	for _, name := range []string{"etc/machine-id", "var/lib/dbus/machine-id"} {
		path := filepath.Join(root, name)
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue // none, or a link to the other one
		}
		failed = errors.Join(failed, replaceFile(path, []byte(hex.EncodeToString(raw)+"\n")))
	}
	if err := os.MkdirAll(filepath.Join(root, filepath.Dir(ownerFile)), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return errors.Join(failed, err)
	}
	return errors.Join(failed, replaceFile(filepath.Join(root, ownerFile), []byte(owner+"\n")))
}
