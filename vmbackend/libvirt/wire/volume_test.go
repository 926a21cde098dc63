package wire_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// volume makes a volume in a new pool on the node.
func volume(t *testing.T, c *wire.Conn, pool string, capacity int) libvirt.StorageVol {
	t.Helper()
	vol, err := wire.Ask(within(t, libvirttest.Patience), c, "make a volume", func(l *libvirt.Libvirt) (libvirt.StorageVol, error) {
		p, err := l.StoragePoolCreateXML(`<pool type='dir'><name>p</name><target><path>`+pool+`</path></target></pool>`, 0)
		if err != nil {
			return libvirt.StorageVol{}, err
		}
		return l.StorageVolCreateXML(p, `<volume><name>v</name><capacity>`+strconv.Itoa(capacity)+
			`</capacity><allocation>0</allocation><target><format type='raw'/></target></volume>`, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
	return vol
}

// download tries a few times: libvirt 9 sometimes ends too early, or hangs.
func download(t *testing.T, c *wire.Conn, vol libvirt.StorageVol, offset, length uint64, want int) (got []byte, err error) {
	t.Helper()
	for range 6 {
		var b bytes.Buffer
		if err = c.Download(within(t, 20*time.Second), vol, offset, length, &b); err == nil && b.Len() == want {
			return b.Bytes(), nil
		}
		got = b.Bytes()
	}
	return got, err
}

func TestVolumes(t *testing.T) {
	for name, node := range map[string]func(testing.TB) *libvirttest.Node{
		"local": libvirttest.Local, "ssh": libvirttest.SSH, "tls": libvirttest.TLS} {
		t.Run(name, func(t *testing.T) {
			n := node(t)
			c := n.Connect()
			content := make([]byte, 5<<20+3)
			_, _ = rand.Read(content)
			vol := volume(t, c, n.Dir, len(content))
			if err := c.Upload(within(t, libvirttest.Patience), vol, 0, uint64(len(content)), bytes.NewReader(content)); err != nil {
				t.Fatal(err)
			}
			if all, err := download(t, c, vol, 0, 0, len(content)); !bytes.Equal(all, content) {
				t.Errorf("%d bytes of %d came back, or others: %v", len(all), len(content), err)
			}
			if part, err := download(t, c, vol, 7, 9, 9); !bytes.Equal(part, content[7:16]) {
				t.Errorf("bytes 7 to 15 are %x, %v", part, err)
			}
			err := c.Upload(within(t, libvirttest.Patience), vol, 0, 100, bytes.NewReader(content[:50]))
			if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, vmbackend.ErrUnreachable) {
				t.Errorf("an upload of half of what was promised: %v", err)
			}
		})
	}
}

// zeros makes a node stand still before it gives the first of them.
type zeros struct{ n *libvirttest.Node }

func (z zeros) Read(p []byte) (int, error) {
	z.n.Stop()
	clear(p)
	return len(p), nil
}

func TestUploadEndsWithItsContext(t *testing.T) {
	n := libvirttest.Local(t)
	c := n.Connect()
	vol := volume(t, c, n.Dir, 1<<30)
	defer n.Resume()
	begun := time.Now()
	err := c.Upload(within(t, 2*time.Second), vol, 0, 1<<30, zeros{n})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > time.Minute {
		t.Errorf("after %v: %v", time.Since(begun), err)
	}
}

func TestUploadToFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: a small file system needs root")
	}
	n := libvirttest.Local(t)
	c := n.Connect()
	small := filepath.Join(n.Dir, "small")
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", small, "tmpfs", 0, "size=1m,mode=777"); err != nil {
		t.Skip("skipped: no tmpfs can be mounted here:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(small, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	vol := volume(t, c, small, 64<<20)
	err := c.Upload(within(t, libvirttest.Patience), vol, 0, 64<<20, bytes.NewReader(make([]byte, 64<<20)))
	var refused libvirt.Error
	if !errors.As(err, &refused) || errors.Is(err, vmbackend.ErrUnreachable) {
		t.Errorf("the error is not libvirt's: %v", err)
	}
	t.Log(err)
}

func TestSlowCallEndsWithItsContext(t *testing.T) {
	n := libvirttest.Local(t)
	c := n.Connect()
	if err := c.Slow(within(t, time.Minute), "look", func(l *libvirt.Libvirt) error {
		_, err := l.ConnectGetLibVersion()
		return err
	}); err != nil {
		t.Error(err)
	}
	returned := make(chan error, 1)
	err := c.Slow(within(t, time.Second), "wait", func(l *libvirt.Libvirt) error {
		n.Stop()
		_, err := l.ConnectGetLibVersion()
		returned <- err
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	select {
	case err := <-returned:
		if err == nil {
			t.Error("a libvirtd that stands still answered")
		}
	case <-time.After(libvirttest.Patience):
		t.Error("the call goes on after its context")
	}
}
