package domain

func (d Description) devices() devices {
	v := devices{
		Disks: []disk{{
			Type: "file", Device: "disk",
			Driver: driver{Name: "qemu", Type: "qcow2", Discard: "unmap"},
			Source: source{File: d.Disk}, Target: target{Dev: "vda", Bus: "virtio"},
		}},
		Controllers: []controller{{Type: "usb", Model: "none"}},
		// libvirt chooses the sockets' paths: it makes them its guests' own, and
		// keeps them apart also for clones.
		Channels: []channel{{Type: "unix", Target: target{Type: "virtio", Name: d.Port}}},
		RNG:      rng{Model: "virtio", Backend: backend{Model: "random", Value: "/dev/urandom"}},
		Balloon:  balloon{Model: "virtio", FreePages: "on"},
	}
	if d.Arch == "s390x" {
		v.Controllers = nil // it has no USB to switch off
	}
	if d.Seed != "" {
		v.Disks = append(v.Disks, disk{
			Type: "file", Device: "disk", Driver: driver{Name: "qemu", Type: "raw"},
			Source: source{File: d.Seed}, Target: target{Dev: "vdb", Bus: "virtio"}, ReadOnly: &struct{}{},
		})
	}
	if d.Desktop {
		v.Inputs = []input{{"tablet", "virtio"}, {"keyboard", "virtio"}}
		v.Graphics = &graphics{Type: "vnc", SharePolicy: "force-shared", Listen: listen{Type: "socket"}}
		v.Video = &video{Model: videoModel{Type: "virtio", Heads: 1, Primary: "yes"}}
		clipboard := channel{Type: "qemu-vdagent", Target: target{Type: "virtio", Name: "com.redhat.spice.0"}}
		clipboard.Source = &agentSource{Clipboard: yes{"yes"}, Mouse: mouse{"client"}}
		v.Channels = append(v.Channels, clipboard)
	}
	return v
}

// What follows is libvirt's format, as far as Labmark needs it
// (libvirt.org/formatdomain.html).

type domainXML struct {
	XMLName    struct{}    `xml:"domain"`
	Type       string      `xml:"type,attr"`
	QEMU       string      `xml:"xmlns:qemu,attr"`
	Name       string      `xml:"name"`
	UUID       string      `xml:"uuid,omitempty"`
	Title      string      `xml:"title,omitempty"`
	Metadata   *metadata   `xml:"metadata"`
	Memory     sized       `xml:"memory"`
	VCPU       int         `xml:"vcpu"`
	CPUTune    *cpuTune    `xml:"cputune"`
	OS         osXML       `xml:"os"`
	Features   features    `xml:"features"`
	CPU        *cpu        `xml:"cpu"`
	Clock      clock       `xml:"clock"`
	OnPowerOff string      `xml:"on_poweroff"`
	OnReboot   string      `xml:"on_reboot"`
	OnCrash    string      `xml:"on_crash"`
	Devices    devices     `xml:"devices"`
	Command    commandLine `xml:"qemu:commandline"`
	Abilities  *abilities  `xml:"qemu:capabilities"`
}

type metadata struct {
	Note note `xml:"labmark:guest"`
}

type note struct {
	Space string `xml:"xmlns:labmark,attr"`
	Text  string `xml:",chardata"`
}

type sized struct {
	Unit  string `xml:"unit,attr"`
	Value int64  `xml:",chardata"`
}

type cpuTune struct {
	Shares int `xml:"shares"`
}

type osXML struct {
	Type   osType `xml:"type"`
	Kernel string `xml:"kernel,omitempty"`
	Initrd string `xml:"initrd,omitempty"`
	Args   string `xml:"cmdline,omitempty"`
}

type osType struct {
	Arch    string `xml:"arch,attr"`
	Machine string `xml:"machine,attr"`
	Value   string `xml:",chardata"`
}

type features struct {
	ACPI *struct{} `xml:"acpi"`
	TCG  *tcg      `xml:"tcg"`
}

type tcg struct {
	Cache sized `xml:"tb-cache"`
}

type cpu struct {
	Mode  string    `xml:"mode,attr"`
	Match string    `xml:"match,attr,omitempty"`
	Check string    `xml:"check,attr"`
	Model *cpuModel `xml:"model"`
}

type cpuModel struct {
	Fallback string `xml:"fallback,attr"`
	Value    string `xml:",chardata"`
}

type clock struct {
	Offset string `xml:"offset,attr"`
}

type devices struct {
	Disks       []disk       `xml:"disk"`
	Controllers []controller `xml:"controller"`
	Channels    []channel    `xml:"channel"`
	Inputs      []input      `xml:"input"`
	Graphics    *graphics    `xml:"graphics"`
	Video       *video       `xml:"video"`
	RNG         rng          `xml:"rng"`
	Balloon     balloon      `xml:"memballoon"`
}

type disk struct {
	Type     string    `xml:"type,attr"`
	Device   string    `xml:"device,attr"`
	Driver   driver    `xml:"driver"`
	Source   source    `xml:"source"`
	Target   target    `xml:"target"`
	ReadOnly *struct{} `xml:"readonly"`
}

type driver struct {
	Name    string `xml:"name,attr"`
	Type    string `xml:"type,attr"`
	Discard string `xml:"discard,attr,omitempty"`
}

type source struct {
	File string `xml:"file,attr"`
}

type target struct {
	Type string `xml:"type,attr,omitempty"`
	Name string `xml:"name,attr,omitempty"`
	Dev  string `xml:"dev,attr,omitempty"`
	Bus  string `xml:"bus,attr,omitempty"`
}

type controller struct {
	Type  string `xml:"type,attr"`
	Model string `xml:"model,attr,omitempty"`
}

type channel struct {
	Type   string       `xml:"type,attr"`
	Source *agentSource `xml:"source"`
	Target target       `xml:"target"`
}

type agentSource struct {
	Clipboard yes   `xml:"clipboard"`
	Mouse     mouse `xml:"mouse"`
}

type yes struct {
	CopyPaste string `xml:"copypaste,attr"`
}

type mouse struct {
	Mode string `xml:"mode,attr"`
}

type input struct {
	Type string `xml:"type,attr"`
	Bus  string `xml:"bus,attr"`
}

type graphics struct {
	Type        string `xml:"type,attr"`
	SharePolicy string `xml:"sharePolicy,attr"`
	Listen      listen `xml:"listen"`
}

type listen struct {
	Type string `xml:"type,attr"`
}

type video struct {
	Model videoModel `xml:"model"`
}

type videoModel struct {
	Type    string `xml:"type,attr"`
	Heads   int    `xml:"heads,attr"`
	Primary string `xml:"primary,attr"`
}

type rng struct {
	Model   string  `xml:"model,attr"`
	Backend backend `xml:"backend"`
}

type backend struct {
	Model string `xml:"model,attr"`
	Value string `xml:",chardata"`
}

type balloon struct {
	Model     string `xml:"model,attr"`
	FreePages string `xml:"freePageReporting,attr"`
}

type commandLine struct {
	Args []arg `xml:"qemu:arg"`
}

type arg struct {
	Value string `xml:"value,attr"`
}

type abilities struct {
	Drop []ability `xml:"qemu:del"`
}

type ability struct {
	Name string `xml:"capability,attr"`
}
