// Package domain writes and reads libvirt's descriptions of guests.
package domain

import (
	"encoding/xml"
	"fmt"
)

// Description says what a guest's machine consists of.
type Description struct {
	Name string
	// UUID may be empty: libvirt draws one.
	UUID string
	// Title is the name for people, as `virsh list --title` shows it.
	Title string
	// Note is kept with the domain under NoteURI and means nothing to libvirt.
	Note string

	// Arch is QEMU's word for the processor: x86_64, aarch64, s390x.
	Arch string
	// KVM runs the guest on the processor itself; otherwise it is emulated.
	KVM bool
	// Memory is in bytes.
	Memory int64
	// Kernel, Initrd and KernelArgs start an image that does not boot itself.
	Kernel, Initrd, KernelArgs string
	// Disk is a qcow2 file, Seed an ISO file or empty; paths on the node.
	Disk, Seed string
	// Port is the name of the virtio-serial port for the agent.
	Port string
	// MAC is the address of the guest's only network card.
	MAC string
	// Desktop gives the guest a screen, keyboard and tablet.
	Desktop bool
	// Limits keep guests from starving what else runs on the node. Only a
	// system's libvirtd with control groups can hold them.
	Limits bool
	// SlowProbe leaves libvirt its hundreds of questions about the processor's
	// properties; see quickStart.
	SlowProbe bool
}

// NoteURI is the XML name space of what Labmark keeps with a domain.
const NoteURI = "https://labmark.org/libvirt/guest/1"

// NoteKey is the prefix of that name space.
const NoteKey = "labmark"

// NoteElement is the note as the element that libvirt stores.
func NoteElement(note string) (string, error) {
	content, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"guest"`
		Text    string   `xml:",chardata"`
	}{Text: note})
	return string(content), err
}

// NoteOf reads the element that NoteElement made, with or without a prefix.
func NoteOf(element string) (string, error) {
	var n struct {
		Text string `xml:",chardata"`
	}
	if err := xml.Unmarshal([]byte(element), &n); err != nil {
		return "", fmt.Errorf("what Labmark keeps with the domain cannot be read: %w", err)
	}
	return n.Text, nil
}

// emulated is the processor that guests see where it is emulated: the level
// x86-64-v2, which today's distributions ask for, and none of the wide vector
// instructions, which emulation makes slower than doing without. It never
// changes with the machine below, so saved machines stay valid.
var emulated = map[string]string{"x86_64": "Nehalem", "aarch64": "cortex-a57"}

// machines are libvirt's machine types. x86's older one has a flat bus: no
// bridge for each device, so there is less to make at each start.
var machines = map[string]string{"x86_64": "pc", "aarch64": "virt", "s390x": "s390-ccw-virtio"}

// XML is the description in libvirt's form.
func (d Description) XML() (string, error) {
	machine := machines[d.Arch]
	if machine == "" {
		return "", fmt.Errorf("guests of architecture %q are not known here", d.Arch)
	}
	x := domainXML{
		Type: "qemu", QEMU: "http://libvirt.org/schemas/domain/qemu/1.0",
		Name: d.Name, UUID: d.UUID, Title: d.Title,
		Memory: sized{"KiB", d.Memory >> 10}, VCPU: 1,
		OS: osXML{
			Type:   osType{Arch: d.Arch, Machine: machine, Value: "hvm"},
			Kernel: d.Kernel, Initrd: d.Initrd, Args: d.KernelArgs,
		},
		CPU:        d.cpu(),
		Clock:      clock{Offset: "utc"},
		OnPowerOff: "destroy", OnReboot: "restart", OnCrash: "destroy",
		Devices: d.devices(),
	}
	if d.KVM {
		x.Type = "kvm"
	} else {
		x.Features.TCG = &tcg{Cache: sized{"MiB", translationCache}}
	}
	if d.Arch == "x86_64" { // others would need UEFI for it, or have none
		x.Features.ACPI = &struct{}{}
	}
	if d.Note != "" {
		x.Metadata = &metadata{Note: note{Space: NoteURI, Text: d.Note}}
	}
	if d.Limits {
		x.CPUTune = &cpuTune{Shares: cpuShares}
	}
	x.Command = d.networkCard()
	if !d.SlowProbe {
		x.Abilities = &quickStart
	}
	text, err := xml.MarshalIndent(x, "", "  ")
	return string(text), err
}

const (
	// translationCache bounds what QEMU keeps of translated code, in MiB:
	// without a bound a guest grows to a gigabyte.
	translationCache = 32
	// cpuShares are fewer than those of what the node itself runs, 1024. Disks'
	// shares few schedulers know, and then no guest starts; a limit of memory
	// makes libvirt raise what QEMU may lock, and QEMU's memory is bounded
	// without: the guest's, and the translation cache.
	cpuShares = 256
)

// quickStart keeps libvirt 9 from asking QEMU for some 400 properties of the
// processor, one by one, at each start and restore: half the time of a
// restore. What it would learn is only compared with what was asked for.
var quickStart = abilities{Drop: []ability{{Name: "cpu-unavailable-features"}}}

func (d Description) cpu() *cpu {
	if d.KVM {
		return &cpu{Mode: "host-passthrough", Check: "none"}
	}
	model := emulated[d.Arch]
	if model == "" {
		return nil // libvirt's choice
	}
	return &cpu{Mode: "custom", Match: "exact", Check: "none", Model: &cpuModel{Fallback: "allow", Value: model}}
}

// networkCard is a card with a cable that leads nowhere. libvirt has no such
// network; QEMU has: a hub with no other card. Nothing on the node can send to
// the guest or hear it, and there is no port to be picked for each guest. The
// hub's second port has nobody behind it: without it the hub would take no
// frames, and whatever the guest sends would wait in its card for ever.
func (d Description) networkCard() commandLine {
	device, place := "virtio-net-pci", ",addr=0x10" // beyond those that libvirt hands out
	if d.Arch == "s390x" {
		device, place = "virtio-net-ccw", ",devno=fe.0.1000"
	}
	return commandLine{Args: []arg{
		{"-netdev"}, {"hubport,id=labmark-cable,hubid=0"},
		{"-netdev"}, {"hubport,id=labmark-sink,hubid=0"},
		{"-device"}, {device + ",netdev=labmark-cable,id=labmark-net,mac=" + d.MAC + place},
	}}
}
