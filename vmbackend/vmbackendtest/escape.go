package vmbackendtest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
)

// EscapeOptions describe the backend whose guests try to get out.
type EscapeOptions struct {
	// Options as for Run; the image needs busybox's commands.
	Options
	// Addresses are those of the node, if that is not this machine alone.
	Addresses []string
	// Answers are what may answer a guest on its network, in the probe's
	// words: "arp ADDRESS" and "icmp ADDRESS".
	Answers []string
	// Line is the device of the agent's line in the guest.
	Line string
	// Ports are the names of all virtio ports that a guest has.
	Ports []string
	// Machine finds the process on this host that is the guest's machine.
	// Nil, where that is elsewhere, leaves attempts on it out, and says so.
	Machine func(t *testing.T, id string) (pid int)
	// Words must stand on that process's command line.
	Words []string
	// Cards gives prisoner and neighbour cards, each on a network of its own,
	// with the same names and in the same subnet. Then only networks are tried.
	Cards bool
}

// prison is what the attempts work with: one guest whose root wants out, and
// a neighbour on the same backend.
type prison struct {
	*bench
	EscapeOptions
	prisoner, neighbour *machine
	// secret is a word that the neighbour has in memory and on its disk.
	secret string
}

// Escape tries, as root in a guest, to reach the gateway, the node, the
// outside and another guest, in all ways that we know of.
func Escape(t *testing.T, o EscapeOptions) {
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	w := newBench(t, o.Options)
	var own, foreign []func(*vmbackend.Spec)
	if o.Cards {
		own, foreign = append(own, onNetwork("lab-1", 1)), append(foreign, onNetwork("lab-2", 2))
	}
	p := &prison{bench: w, EscapeOptions: o, prisoner: w.running("prisoner", own...), neighbour: w.running("neighbour", foreign...)}
	probe := buildProbe(t)
	for _, m := range []*machine{p.prisoner, p.neighbour} {
		p.upload(m, probe)
	}
	p.secret = "secret-" + strings.TrimSpace(p.run(p.neighbour.connect("root"), "cat /proc/sys/kernel/random/uuid"))
	p.run(p.neighbour.connect("root"), "echo "+p.secret+" >/root/secret && sync")
	boot := p.neighbour.boot()
	attempts := []struct {
		name    string
		attempt func(*prison)
	}{
		{"reach the host by the network", reachHost},
		{"reach the neighbour by the network", reachNeighbour},
		{"mount what is not its own", mountForeign},
		{"find what is not its own", findSecrets},
		{"be the same as the neighbour", sameIdentity},
		{"break out of the machine's process", machineProcess},
		{"use up what devices give", abuseDevices},
		{"misbehave on the line", misbehaveOnLine},
	}
	if o.Cards {
		attempts = attempts[:2]
	}
	for _, c := range attempts {
		t.Run(c.name, func(t *testing.T) {
			bench := *w
			bench.T = t
			prisoner, neighbour := *p.prisoner, *p.neighbour
			prisoner.bench, neighbour.bench = &bench, &bench
			attempt := *p
			attempt.bench, attempt.prisoner, attempt.neighbour = &bench, &prisoner, &neighbour
			c.attempt(&attempt)
		})
	}
	if now := p.neighbour.boot(); now != boot {
		t.Error("the neighbour was booted anew by what the prisoner did")
	}
}

// buildProbe builds the program that is uploaded into guests.
func buildProbe(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "probe")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path,
		"github.com/labmark/labmark/vmbackend/vmbackendtest/probe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the probe: %v\n%s", err, out)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var small bytes.Buffer // lines to guests may be slow
	z := gzip.NewWriter(&small)
	if _, err := z.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return small.Bytes()
}

func (p *prison) upload(m *machine, probe []byte) {
	p.Helper()
	_, errs, status, err := p.try(m.connect("root"), "gunzip -c >/root/probe && chmod 0700 /root/probe", string(probe))
	if err != nil || status != 0 {
		p.Fatalf("upload the probe: status %d, %v, %s", status, err, errs)
	}
}

// report is the probe's.
type report struct {
	Interfaces       []string
	Sent             int
	Connected, Heard []string
}

func (p *prison) report(text string) (r report) {
	p.Helper()
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		p.Fatalf("the probe says %q: %v", text, err)
	}
	return r
}

// shout lets the prisoner send a token everywhere.
func (p *prison) shout(client *ssh.Client, token, port string) report {
	p.Helper()
	targets := slices.Concat(hostAddresses(p.T), p.Addresses, []string{"169.254.169.254", "10.0.2.2", "192.168.122.1", "fd00:ec2::254"})
	slices.Sort(targets)
	return p.report(p.run(client, "/root/probe shout "+token+" "+port+" "+strings.Join(slices.Compact(targets), " ")))
}

// hostAddresses are all of this machine's, loopback too.
func hostAddresses(t *testing.T) []string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	list := []string{"127.0.0.1", "127.0.1.1", "::1"}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			list = append(list, n.IP.String())
		}
	}
	return list
}

// allowed are the answers that a guest may get on its network.
func (p *prison) allowed(heard []string) (foreign []string) {
	for _, h := range heard {
		if !slices.Contains(p.Answers, h) {
			foreign = append(foreign, h)
		}
	}
	return foreign
}
