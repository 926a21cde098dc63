package agent

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/labmark/labmark/vmbackend/guestlink"
)

func TestOthersInHosts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte("127.0.0.1\tlocalhost\n10.9.9.9 mine # another\n::1 last-without-newline"), 0o644); err != nil {
		t.Fatal(err)
	}
	const own = "127.0.0.1\tlocalhost\n10.9.9.9 mine # another\n::1 last-without-newline\n"
	name := func(name, address string) guestlink.HostName {
		return guestlink.HostName{Name: name, Address: netip.MustParseAddr(address)}
	}
	for _, step := range []struct {
		hosts []guestlink.HostName
		want  string
	}{
		{nil, own[:len(own)-1]},
		{[]guestlink.HostName{name("db", "10.77.1.2"), name("web", "fd00::1")},
			own + "10.77.1.2\tdb\t# another machine of this lab\nfd00::1\tweb\t# another machine of this lab\n"},
		{[]guestlink.HostName{name("db", "10.77.1.3")}, own + "10.77.1.3\tdb\t# another machine of this lab\n"},
		{nil, own},
	} {
		for range 2 { // again changes nothing
			if err := nameOthers(path, step.hosts); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != step.want {
				t.Errorf("the file holds\n%s\nwant\n%s", got, step.want)
			}
		}
	}
}
