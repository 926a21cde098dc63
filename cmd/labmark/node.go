package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend/nodes"
)

type nodeCmd struct {
	Add     nodeAddCmd     `cmd:"" help:"Add a machine that guests run on."`
	Set     nodeSetCmd     `cmd:"" help:"Change how a node is reached and what it may take."`
	List    nodeListCmd    `cmd:"" help:"List the nodes, as the server saw them last."`
	Test    nodeTestCmd    `cmd:"" help:"Walk the whole way to a node and say what is missing there."`
	Drain   nodeDrainCmd   `cmd:"" help:"Give a node no new guests; those that are there go on."`
	Isolate nodeIsolateCmd `cmd:"" help:"Take a node out of use at once: its students get new guests elsewhere."`
	Back    nodeBackCmd    `cmd:"" aliases:"undrain" help:"Use a node again that was drained or isolated."`
	Remove  nodeRemoveCmd  `cmd:"" help:"Forget a node without guests."`
	Push    nodePushCmd    `cmd:"" help:"Copy a guest image to a node, so that its first guest need not wait."`
}

// withStore opens the database for one command.
func (s *Settings) withStore(do func(*store.Store) error) error {
	db, err := s.openStore()
	if err != nil {
		return err
	}
	defer db.Close()
	return do(db)
}

// nodeWay is how a node is reached and what it may take.
type nodeWay struct {
	Capacity int               `help:"How many guests it takes at most; 0 means as many as its memory allows." placeholder:"N"`
	Label    map[string]string `help:"Label of the node; guests that have one of the same name come only if its value is the same, such as course=linux. Can be repeated." placeholder:"NAME=VALUE"`
	HostKey  string            `help:"Key that the node's SSH server must show, as \"ssh-ed25519 AAAA…\"." placeholder:"KEY"`
	Identity string            `help:"File with the private key for the node's SSH server; otherwise the gateway's own." placeholder:"FILE" type:"path"`
	PKI      string            `name:"pki" help:"Folder with cacert.pem, clientcert.pem and clientkey.pem for TLS." placeholder:"DIR" type:"path"`
	Pool     string            `help:"Folder on the node for guests' disks." placeholder:"DIR"`
}

type nodeAddCmd struct {
	nodeWay
	Name string `arg:"" help:"What to call it: a-z, 0-9, . and -."`
	URI  string `arg:"" help:"uml: or qemu:///session for this machine, qemu:///system, qemu+ssh://USER@HOST/system, qemu+tls://HOST/system."`
}

var nodeName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,39}$`)

func (c *nodeAddCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	if !nodeName.MatchString(c.Name) {
		return fmt.Errorf("%q can't name a node: take 1 to 40 of a-z, 0-9, . and -", c.Name)
	}
	n := store.Node{Name: c.Name, URI: c.URI, Capacity: c.Capacity, Labels: c.Label, HostKey: c.HostKey,
		Identity: c.Identity, PKI: c.PKI, Pool: c.Pool, Wanted: string(nodes.WantedUp)}
	if err := s.completeWay(ctx, &n, "labmark node add "+c.Name+" "+c.URI); err != nil {
		return err
	}
	return s.withStore(func(db *store.Store) error {
		kept, err := keepLocal(ctx, db, c.Name)
		if err != nil {
			return err
		}
		err = db.AddNode(ctx, n)
		if errors.Is(err, store.ErrExists) {
			return fmt.Errorf("there is a node %s already: labmark node set %s changes it", c.Name, c.Name)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "added %s; try: labmark node test %s\n", c.Name, c.Name)
		if kept > 0 {
			fmt.Fprintf(out, "The %s on this machine by User-Mode Linux go on; there will be no new ones here, unless you say: labmark node back %s\n",
				count(kept, "guest"), server.LocalNode.Name)
		}
		return nil
	})
}

// keepLocal keeps this machine as a node, draining, when the first one is added
// while guests run here. It returns how many.
func keepLocal(ctx context.Context, db *store.Store, adding string) (guests int, err error) {
	all, err := db.Nodes(ctx)
	if err != nil || len(all) > 0 || adding == server.LocalNode.Name {
		return 0, err
	}
	on, err := db.GuestsByNode(ctx)
	guests = on[server.LocalNode.Name] + on[""]
	if err != nil || guests == 0 {
		return 0, err
	}
	local := server.LocalNode
	local.Wanted, local.WantedWhy = string(nodes.Draining), "because another node was added"
	return guests, db.AddNode(ctx, local)
}

type nodeSetCmd struct {
	nodeWay
	Name string `arg:"" help:"Which node."`
	URI  string `name:"uri" help:"Its new address." placeholder:"URI"`
}

func (c *nodeSetCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	return s.withNode(ctx, c.Name, func(db *store.Store, n store.Node) error {
		for _, f := range []struct {
			to   *string
			from string
		}{{&n.URI, c.URI}, {&n.HostKey, c.HostKey}, {&n.Identity, c.Identity}, {&n.PKI, c.PKI}, {&n.Pool, c.Pool}} {
			if f.from != "" {
				*f.to = f.from
			}
		}
		if c.Capacity != 0 {
			n.Capacity = c.Capacity
		}
		if c.Label != nil {
			n.Labels = c.Label
		}
		if err := s.completeWay(ctx, &n, "labmark node set "+c.Name); err != nil {
			return err
		}
		if err := db.SaveNode(ctx, n); err != nil {
			return err
		}
		fmt.Fprintf(out, "changed %s; a running server takes that over within seconds\n", c.Name)
		return nil
	})
}

type nodeListCmd struct{}

func (*nodeListCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	return s.withStore(func(db *store.Store) error {
		all, err := server.Nodes(ctx, db)
		if err != nil {
			return err
		}
		guests, err := db.GuestsByNode(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tSTATE\tSINCE\tWANTED\tGUESTS\tURI\tLABELS\tWHY")
		for _, n := range all {
			state, since := "unseen", "-"
			if n.State != "" {
				state = n.State
			}
			if n.StateSince != nil {
				since = n.StateSince.Local().Format("2006-01-02 15:04")
			}
			places := fmt.Sprint(guests[n.Name])
			if n.Capacity > 0 {
				places += fmt.Sprintf("/%d", n.Capacity)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", n.Name, state, since, n.Wanted, places, n.URI, labels(n.Labels),
				printable(strings.Join(slices.DeleteFunc([]string{n.StateWhy, n.WantedWhy}, func(s string) bool { return s == "" }), "; ")))
		}
		return w.Flush()
	})
}

func labels(of map[string]string) string {
	var list []string
	for name, value := range of {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

// oneNode is what commands about a single node take.
type oneNode struct {
	Name string `arg:"" help:"Which node, by the name that labmark node list shows."`
}

// withNode finds a node in the database.
func (s *Settings) withNode(ctx context.Context, name string, do func(*store.Store, store.Node) error) error {
	return s.withStore(func(db *store.Store) error {
		n, err := db.Node(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			return errNoNode(name)
		}
		if err != nil {
			return err
		}
		return do(db, n)
	})
}

func errNoNode(name string) error {
	if name == server.LocalNode.Name {
		return fmt.Errorf("the node %s is this machine, which is used as long as no node is added; labmark node add %s %s makes it one that can be changed",
			name, name, server.LocalURI)
	}
	return fmt.Errorf("there is no node %s: labmark node list shows all", name)
}

// want gives a node an order.
func (c *oneNode) want(ctx context.Context, s *Settings, wanted nodes.Wanted) error {
	why := ""
	if wanted != nodes.WantedUp {
		why = "by " + person()
	}
	return s.withNode(ctx, c.Name, func(db *store.Store, n store.Node) error {
		return db.SetNodeWanted(ctx, n.Name, string(wanted), why)
	})
}

func person() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "an administrator"
}

type nodeDrainCmd struct{ oneNode }

func (c *nodeDrainCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	if err := c.want(ctx, s, nodes.Draining); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s gets no new guests\n", c.Name)
	return nil
}

type nodeIsolateCmd struct{ oneNode }

func (c *nodeIsolateCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	if err := c.want(ctx, s, nodes.Isolated); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is out of use; its students are led elsewhere\n", c.Name)
	return nil
}

type nodeBackCmd struct{ oneNode }

func (c *nodeBackCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	if err := c.want(ctx, s, nodes.WantedUp); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is used again\n", c.Name)
	return nil
}

type nodeRemoveCmd struct {
	oneNode
	Force bool `help:"Forget its guests too. Their disks stay on it, and nobody removes them."`
}

func (c *nodeRemoveCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	return s.withNode(ctx, c.Name, func(db *store.Store, n store.Node) error {
		err := db.RemoveNode(ctx, n.Name, c.Force)
		if errors.Is(err, store.ErrInUse) {
			guests, err := db.GuestsByNode(ctx)
			if err != nil {
				return err
			}
			return fmt.Errorf("there %s on %s: labmark node drain %s, and wait; or isolate it, if students shall not wait; --force forgets them",
				are(guests[n.Name]), c.Name, c.Name)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "removed %s\n", c.Name)
		return nil
	})
}

// count is "1 guest" or "3 guests".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func are(guests int) string {
	if guests == 1 {
		return "is 1 guest"
	}
	return fmt.Sprintf("are %d guests", guests)
}
