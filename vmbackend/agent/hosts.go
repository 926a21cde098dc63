package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/labmark/labmark/vmbackend/guestlink"
)

// hostsMark ends the lines of /etc/hosts that are Labmark's.
const hostsMark = "\t# another machine of this lab"

// nameOthers makes the guests that share a network with this one known by
// their names. Lines that were given before go, all others stay.
func nameOthers(path string, hosts []guestlink.HostName) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(hosts) == 0 && !bytes.Contains(old, []byte(hostsMark)) {
		return nil
	}
	var text bytes.Buffer
	for line := range strings.Lines(string(old)) {
		if line = strings.TrimSuffix(line, "\n"); !strings.HasSuffix(line, hostsMark) {
			text.WriteString(line + "\n")
		}
	}
	for _, h := range hosts {
		fmt.Fprintf(&text, "%s\t%s%s\n", h.Address, h.Name, hostsMark)
	}
	if bytes.Equal(text.Bytes(), old) {
		return nil
	}
	return replaceFile(path, text.Bytes())
}
