package domain

import (
	"encoding/xml"
	"fmt"
)

// Live is what a running domain's description tells that Labmark did not say.
type Live struct {
	// Sockets are the unix sockets of virtio-serial ports, by their names.
	Sockets map[string]string
	// Screen is the unix socket of the VNC server; empty without one.
	Screen string
	// Others are the targets of all disks but the first.
	Others []string
}

// Read takes from a description what can be found only there.
func Read(text string) (Live, error) {
	live := Live{Sockets: map[string]string{}}
	var x struct {
		Channels []struct {
			Source struct {
				Path string `xml:"path,attr"`
			} `xml:"source"`
			Target struct {
				Name string `xml:"name,attr"`
			} `xml:"target"`
		} `xml:"devices>channel"`
		Graphics []struct {
			Listen []struct {
				Socket string `xml:"socket,attr"`
			} `xml:"listen"`
		} `xml:"devices>graphics"`
		Disks []struct {
			Target struct {
				Dev string `xml:"dev,attr"`
			} `xml:"target"`
		} `xml:"devices>disk"`
	}
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return live, fmt.Errorf("libvirt's description of the domain cannot be read: %w", err)
	}
	for _, c := range x.Channels {
		live.Sockets[c.Target.Name] = c.Source.Path
	}
	for _, g := range x.Graphics {
		for _, l := range g.Listen {
			live.Screen = l.Socket
		}
	}
	for i, d := range x.Disks {
		if i > 0 {
			live.Others = append(live.Others, d.Target.Dev)
		}
	}
	return live, nil
}
