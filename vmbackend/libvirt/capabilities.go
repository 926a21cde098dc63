package libvirt

import (
	"encoding/xml"
	"fmt"
)

// readCapabilities takes the processors from libvirt's description of the host
// (libvirt.org/formatcaps.html).
func (f *facts) readCapabilities(text string) error {
	var x struct {
		Arch   string `xml:"host>cpu>arch"`
		Guests []struct {
			Type string `xml:"os_type"`
			Arch struct {
				Name string `xml:"name,attr"`
			} `xml:"arch"`
		} `xml:"guest"`
	}
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return fmt.Errorf("libvirt's description of the node cannot be read: %w", err)
	}
	f.arch = x.Arch
	for _, g := range x.Guests {
		if g.Type == "hvm" {
			f.archs = append(f.archs, g.Arch.Name)
		}
	}
	return nil
}
