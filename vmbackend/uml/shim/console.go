package shim

import (
	"fmt"
	"os"
	"sync"
)

// consoleLimit bounds each of the console's two files, in bytes.
const consoleLimit = 128 << 10

// console keeps what the guest's kernel prints: the newest part in its file,
// the part before in the same file with ".1" added.
type console struct {
	name    string
	file    *os.File
	size    int64
	readers sync.WaitGroup
}

func openConsole(name string) (*console, error) {
	c := &console{name: name}
	return c, c.rotate()
}

func (c *console) rotate() error {
	if c.file != nil {
		c.file.Close()
	}
	if err := os.Rename(c.name, c.name+".1"); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("the console's log: %w", err)
	}
	file, err := os.OpenFile(c.name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("the console's log: %w", err)
	}
	c.file, c.size = file, 0
	return nil
}

// input returns where one boot of the kernel writes. A boot begins after all
// that the one before wrote.
func (c *console) input() (*os.File, error) {
	c.readers.Wait()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the guest's console: %w", err)
	}
	c.readers.Go(func() {
		defer r.Close()
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			c.write(buf[:n])
			if err != nil {
				return
			}
		}
	})
	return w, nil
}

// write never stops the guest: what cannot be kept is lost.
func (c *console) write(p []byte) {
	if c.size+int64(len(p)) > consoleLimit {
		if err := c.rotate(); err != nil {
			return
		}
	}
	n, _ := c.file.Write(p)
	c.size += int64(n)
}

// Close waits for the last words.
func (c *console) Close() {
	c.readers.Wait()
	c.file.Close()
}
