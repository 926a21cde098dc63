package domain

import (
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func sample() Description {
	return Description{
		Name: "lmabcde12345678", UUID: "11111111-2222-8333-8444-555555555555", Title: "Labmark guest a&b", Note: `{"id":"<a>"}`,
		Arch: "x86_64", Memory: 128 << 20, Kernel: "/pool/kernel", Initrd: "/pool/initrd", KernelArgs: "root=/dev/vda quiet",
		Disk: "/pool/guest.a.0.disk", Port: "org.labmark.agent.0", MAC: "02:4c:4d:00:00:02",
	}
}

func TestXML(t *testing.T) {
	for name, change := range map[string]func(*Description){
		"emulated": func(*Description) {},
		"kvm":      func(d *Description) { d.KVM, d.SlowProbe = true, true },
		"system":   func(d *Description) { d.Limits = true },
		"desktop":  func(d *Description) { d.Desktop = true },
		"aarch64":  func(d *Description) { d.Arch = "aarch64" },
		"s390x":    func(d *Description) { d.Arch = "s390x" },
		"cloud":    func(d *Description) { d.Kernel, d.Initrd, d.KernelArgs, d.Seed = "", "", "", "/pool/seed.iso" },
	} {
		t.Run(name, func(t *testing.T) {
			d := sample()
			change(&d)
			got, err := d.XML()
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".xml")
			if *update {
				if err := os.WriteFile(golden, []byte(got+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got+"\n" != string(want) {
				t.Errorf("differs from %s (go test -update writes it anew):\n%s", golden, got)
			}
		})
	}
	d := sample()
	d.Arch = "vax"
	if _, err := d.XML(); err == nil || !strings.Contains(err.Error(), "vax") {
		t.Errorf("architecture vax: error %v", err)
	}
}

// No guest has a way out but its port, whatever it is made of.
func TestNoWayOut(t *testing.T) {
	for arch := range machines {
		d := sample()
		d.Arch, d.Desktop = arch, true
		text, err := d.XML()
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range []string{"<interface", "<hostdev", "<filesystem", "<redirdev", "<shmem", "<vsock", "-netdev user", "value=\"user", "port=", "<serial", "<console", "<parallel"} {
			if strings.Contains(text, way) {
				t.Errorf("%s: the guest has %s", arch, way)
			}
		}
	}
}

func TestNote(t *testing.T) {
	const note = `{"key":"a<b>&\"c\"","name":"ümlaut"}`
	element, err := NoteElement(note)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := NoteOf(element); err != nil || got != note {
		t.Errorf("came back as %q, error %v", got, err)
	}
	d := sample()
	d.Note = note
	text, err := d.XML()
	if err != nil {
		t.Fatal(err)
	}
	var x struct {
		Guest string `xml:"metadata>guest"`
	}
	if err := xml.Unmarshal([]byte(text), &x); err != nil || x.Guest != note {
		t.Errorf("the description holds %q, error %v", x.Guest, err)
	}
	if _, err := NoteOf("no xml <"); err == nil {
		t.Error("a damaged note was accepted")
	}
}

const savedXML = `<domain type='qemu' id='3' xmlns:qemu='urn:q'>
  <name>old</name>
  <uuid>old-uuid</uuid>
  <title>old title</title>
  <metadata><x:guest xmlns:x='u'>old <b>note</b></x:guest></metadata>
  <devices>
    <disk type='file'><driver name='qemu'/><source file='/old/disk' index='1'/>
      <backingStore type='file'><format type='qcow2'/><source file='/old/base'/></backingStore>
      <target dev='vda'/><address type='pci' slot='0x03'/></disk>
    <disk type='file'><source file='/pool/seed.iso'/><target dev='vdb'/></disk>
  </devices>
  <qemu:commandline><qemu:arg value='-x'/></qemu:commandline>
</domain>`

func TestBecome(t *testing.T) {
	got, err := Become(savedXML, Identity{Name: "new", UUID: "new-uuid", Title: "a & b", Note: "<note>", Disk: "/new/d'isk"})
	if err != nil {
		t.Fatal(err)
	}
	const want = `<domain type='qemu' id='3' xmlns:qemu='urn:q'>
  <name>new</name><title>a &amp; b</title><metadata><labmark:guest xmlns:labmark='https://labmark.org/libvirt/guest/1'>&lt;note&gt;</labmark:guest></metadata>
  <uuid>new-uuid</uuid>
  
  
  <devices>
    <disk type='file'><driver name='qemu'/><source file='/new/d&#39;isk'/>
      
      <target dev='vda'/><address type='pci' slot='0x03'/></disk>
    <disk type='file'><source file='/pool/seed.iso'/><target dev='vdb'/></disk>
  </devices>
  <qemu:commandline><qemu:arg value='-x'/></qemu:commandline>
</domain>`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, bad := range []string{"", "<domain>", "<domain><name>x</name></domain>", "</domain>"} {
		if _, err := Become(bad, Identity{}); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

func TestRead(t *testing.T) {
	live, err := Read(`<domain><devices>
		<channel type='unix'><source mode='bind' path='/run/agent'/><target type='virtio' name='org.labmark.agent.0'/><alias name='channel0'/></channel>
		<graphics type='vnc'><listen type='socket' socket='/run/vnc'/></graphics>
		<disk><source file='/d'/><target dev='vda'/></disk><disk><source file='/s'/><target dev='vdb'/></disk>
	</devices></domain>`)
	if err != nil {
		t.Fatal(err)
	}
	if live.Sockets["org.labmark.agent.0"] != "/run/agent" || live.Screen != "/run/vnc" || len(live.Others) != 1 || live.Others[0] != "vdb" {
		t.Errorf("read %+v", live)
	}
}
