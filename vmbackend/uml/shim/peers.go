package shim

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/labmark/labmark/vmbackend"
)

// mac is an Ethernet address.
type mac [6]byte

func (m mac) group() bool { return m[0]&1 != 0 }

const (
	// knownMACs bounds the table of addresses: a guest may invent any number.
	knownMACs = 256
	// lookEvery bounds how often the network's folder is read.
	lookEvery = 20 * time.Millisecond
)

// peers are the other cards of a network, and which addresses were seen behind
// them.
type peers struct {
	dir int
	own string

	mu     *sync.Mutex
	owners map[mac]string
	list   []string
	looked time.Time
	// addresses are the sockets' by name, made once.
	addresses map[string]*unix.SockaddrUnix
}

func newPeers(dir int, own string) peers {
	return peers{dir: dir, own: own, mu: &sync.Mutex{}, owners: map[mac]string{}, addresses: map[string]*unix.SockaddrUnix{}}
}

// owner is the peer from which an address was last heard.
func (p *peers) owner(m mac) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	peer, ok := p.owners[m]
	return peer, ok
}

func (p *peers) learn(m mac, peer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.group() || p.owners[m] == peer || !vmbackend.ValidID(peer) {
		return
	}
	if len(p.owners) >= knownMACs {
		clear(p.owners) // those in use are learnt again at once
	}
	p.owners[m] = peer
}

// forget is for a peer that has gone.
func (p *peers) forget(peer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for m, owner := range p.owners {
		if owner == peer {
			delete(p.owners, m)
		}
	}
}

// all are the names of the peers, looked up at most every lookEvery.
func (p *peers) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.looked) < lookEvery {
		return p.list
	}
	p.looked = time.Now()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/self/fd/%d", p.dir))
	if err != nil {
		return p.list
	}
	p.list = nil
	for _, e := range entries {
		if name := e.Name(); name != p.own && vmbackend.ValidID(name) {
			p.list = append(p.list, name)
		}
	}
	return p.list
}

func (p *peers) address(peer string) *unix.SockaddrUnix {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.addresses[peer]
	if at == nil {
		at = address(p.dir, peer)
		p.addresses[peer] = at
	}
	return at
}
