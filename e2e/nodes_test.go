package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
)

// class is a gateway with three nodes: one here, one by SSH, one by TLS.
type class struct {
	*gateway
	nodes map[string]*libvirttest.Node
}

func startClass(t *testing.T) *class {
	c := &class{gateway: newGateway(t, "course", "--pool", "0"), nodes: map[string]*libvirttest.Node{
		"here": libvirttest.Local(t), "by-ssh": libvirttest.SSH(t), "by-tls": libvirttest.TLS(t),
	}}
	for name, n := range c.nodes {
		go n.Daemon.Keep(t.Context())
		args := []string{"node", "add", name, n.Endpoint.URI, "--capacity", "12", "--pool", filepath.Join(n.Dir, "p")}
		for flag, value := range map[string]string{"--host-key": n.Endpoint.HostKey, "--identity": n.Endpoint.Identity, "--pki": n.Endpoint.PKI} {
			if value != "" {
				args = append(args, flag, value)
			}
		}
		c.labmark(t, args...)
	}
	for name := range c.nodes {
		c.labmark(t, "node", "push", name, "debian-12")
	}
	c.start(t)
	return c
}

// row is a student's guest in the assignment table.
func (c *class) row(t *testing.T, s *student) store.Guest {
	t.Helper()
	id := c.guestOf(t, s)
	for _, g := range c.table(t) {
		if g.ID == id {
			return g
		}
	}
	t.Fatalf("the table has lost %s", id)
	return store.Guest{}
}

func (c *class) table(t *testing.T) []store.Guest {
	t.Helper()
	db, err := store.Open(filepath.Join(c.dir, "labmark.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Guests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// on signs students in until one has a guest on a node.
func (c *class) on(t *testing.T, node, name string) *student {
	t.Helper()
	var others []string
	for other := range c.nodes {
		if other != node {
			c.labmark(t, "node", "drain", other)
			others = append(others, other)
		}
	}
	defer func() {
		for _, other := range others {
			c.labmark(t, "node", "back", other)
		}
	}()
	s := c.student(t, name, "faults")
	s.ready(t)
	for c.row(t, s).Node != node { // the server reads the table of nodes every few seconds
		s.do(t, "reset")
		s.guest(t, "ready")
	}
	return s
}

// machine is the QEMU of a guest on a node, 0 if there is none.
func (c *class) machine(node, guest string) int {
	for _, pid := range c.nodes[node].Guests() {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && bytes.Contains(line, []byte("guest."+guest+".")) {
			return pid
		}
	}
	return 0
}

// worksAgain measures how long it takes until a check passes again. A student
// whose machine does not run presses Start.
func (s *student) worksAgain(t *testing.T, since time.Time, what string) {
	t.Helper()
	ch := s.events(t)
	attempt := newUUID()
	eventually(t, "a check to be taken after: "+what, func() bool {
		status, body := s.post(t, s.api+"/checks/alive", map[string]string{"attempt": attempt})
		if status != http.StatusAccepted && strings.Contains(body, "not running") {
			s.post(t, s.api+"/guest/start", nil)
		}
		return status == http.StatusAccepted
	})
	if verdict, message := s.verdict(t, ch, attempt); verdict != "pass" {
		t.Errorf("after %s a check says %s: %s", what, verdict, message)
	}
	t.Logf("FAULT %-50s student works again after %.1f s", what, time.Since(since).Seconds())
}

// TestNodeFaults lets students work while what nodes are made of breaks. What
// it logs as FAULT is what docs/nodes.md tells.
func TestNodeFaults(t *testing.T) {
	c := startClass(t)

	t.Run("QEMU killed", func(t *testing.T) {
		s := c.on(t, "here", "ann")
		s.shell(t, "main").run(t, "touch /home/student/kept && sudo touch /root/kept && sync")
		begun := time.Now()
		if err := syscall.Kill(c.machine("here", c.guestOf(t, s)), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		s.guest(t, "none")
		s.worksAgain(t, begun, "kill -9 of a QEMU, student presses Start")
		if verdict, message := s.check(t, "kept"); verdict != "pass" {
			t.Errorf("what was on the disk is gone: %s: %s", verdict, message)
		}
	})

	t.Run("libvirtd killed", func(t *testing.T) {
		for _, node := range []string{"here", "by-ssh", "by-tls"} {
			s := c.on(t, node, "bob-"+node)
			guest := c.guestOf(t, s)
			sh := s.shell(t, "main")
			sh.run(t, "export KEPT=yes")
			begun := time.Now()
			c.nodes[node].KillLibvirtd()
			s.worksAgain(t, begun, "kill -9 of libvirtd, node "+node)
			if now := c.guestOf(t, s); now != guest {
				t.Errorf("%s: the guest was %s and is %s now", node, guest, now)
			}
			again := s.shell(t, "main") // as the page does by itself
			again.run(t, "echo KEPT=$KEPT")
			if !strings.Contains(again.shown(), "KEPT=yes") {
				t.Errorf("%s: the kept shell is another one:\n%s", node, again.shown())
			}
		}
	})

	t.Run("sshd killed", func(t *testing.T) {
		s := c.on(t, "by-ssh", "cid")
		attempt := newUUID()
		ch := s.events(t)
		s.post(t, s.api+"/checks/slow", map[string]string{"attempt": attempt})
		begun := time.Now()
		c.nodes["by-ssh"].KillSSHD()
		c.nodes["by-ssh"].StartSSHD()
		s.worksAgain(t, begun, "kill -9 of sshd on a node")
		if verdict, message := s.verdict(t, ch, attempt); verdict != "pass" {
			t.Errorf("the check that was under way ended as %q: %s", verdict, message)
		}
	})

	t.Run("node unreachable", func(t *testing.T) {
		s := c.on(t, "by-ssh", "dan")
		lost := c.guestOf(t, s)
		begun := time.Now()
		c.nodes["by-ssh"].Cut()
		ch := s.events(t)
		told := await(t, ch, "the student to be told", func(e event) bool { return e.Name == "guest" && e.Data["state"] != "ready" })
		t.Logf("the student read: %v", told.Data["detail"])
		await(t, ch, "another guest", func(e event) bool { return e.Name == "guest" && e.Data["state"] == "ready" })
		if row := c.row(t, s); row.ID == lost || row.Node == "by-ssh" {
			t.Errorf("the student was led to %s on %s", row.ID, row.Node)
		}
		s.worksAgain(t, begun, "node cut off, student led to another node")
		if c.machine("by-ssh", lost) == 0 {
			t.Error("the guest on the lost node has ended: nothing is left to reap")
		}
		c.nodes["by-ssh"].Mend()
		eventually(t, "what was left on the node to be removed", func() bool { return c.machine("by-ssh", lost) == 0 })
		t.Logf("FAULT %-50s leftovers reaped %.1f s after the cut", "node back", time.Since(begun).Seconds())
	})

	t.Run("gateway killed in mid-create", func(t *testing.T) {
		s := c.student(t, "eve", "faults")
		s.do(t, "start")
		begun := time.Now()
		eventually(t, "a row of a guest that is being made", func() bool {
			for _, g := range c.table(t) {
				if g.Mode == store.Preparing {
					return true
				}
			}
			return false
		})
		c.kill()
		c.start(t)
		s.post(t, s.api+"/guest/start", nil)
		s.guest(t, "ready")
		s.worksAgain(t, begun, "kill -9 of the gateway in mid-create")
	})

	t.Run("saved machine truncated", func(t *testing.T) {
		saves := c.files(t, "here", "template-*.save")
		if len(saves) == 0 {
			t.Fatal("there is no saved machine to damage")
		}
		for _, file := range saves {
			if err := os.Truncate(file, 1<<20); err != nil {
				t.Fatal(err)
			}
		}
		begun := time.Now()
		s := c.on(t, "here", "fay")
		s.worksAgain(t, begun, "saved machine truncated")
	})

	t.Run("image corrupted", func(t *testing.T) {
		for _, file := range c.files(t, "here", "base-*") {
			if err := os.Truncate(file, 1<<20); err != nil {
				t.Fatal(err)
			}
		}
		begun := time.Now()
		s := c.on(t, "here", "gus")
		s.worksAgain(t, begun, "image on a node corrupted")
	})

	t.Run("nothing leaks", func(t *testing.T) {
		eventually(t, "every machine to be in the table, and every row to have a machine", func() bool {
			known := map[string]bool{}
			for _, g := range c.table(t) {
				if g.Mode != store.Assigned || c.machine(g.Node, g.ID) == 0 {
					return false
				}
				known[g.ID] = true
			}
			running := 0
			for _, n := range c.nodes {
				running += len(n.Guests())
			}
			return running == len(known)
		})
	})
}

// files of a node's pool.
func (c *class) files(t *testing.T, node, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.nodes[node].Dir, "p", pattern))
	if err != nil {
		t.Fatal(err)
	}
	return files
}
