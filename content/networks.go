package content

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

const (
	maxNetworks = 16
	maxCards    = 4 // of one guest
	maxDelay    = 10 * time.Second
	maxRate     = 100_000_000_000
)

var (
	// networkName is also a card's, of which Linux takes 15 bytes.
	networkName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,14}$`)
	// takenName is a card's that guests' kernels give, or a setting of cards.
	takenName = regexp.MustCompile(`^(lo|all|default|(eth|vec)[0-9]+)$`)
	rateForm  = regexp.MustCompile(`^([0-9]{1,9})([kmg]?)bit$`)
)

// networks reads what joins a tutorial's guests.
func (y *yamlText) networks(n ast.Node, f *front) []Network {
	var networks []Network
	cards := map[string]int{}
	for i, e := range y.mapping(n, "networks") {
		if i == maxNetworks {
			y.fail(e.key, fmt.Sprintf("More than %d networks.", maxNetworks), "Do with fewer.")
			break
		}
		if !networkName.MatchString(e.name) || takenName.MatchString(e.name) {
			y.fail(e.key, fmt.Sprintf("%s can't be a network's name.", quote(e.name)),
				"It is also the card's: use at most 15 lower-case letters, digits and “-”, and no name that Linux gives, as lo or eth0.")
		}
		network := Network{Name: e.name, Subnet: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 77, byte(i + 1), 0}), 24)}
		subnet := y.oneNetwork(e, f, &network)
		if network.Guests == nil && len(y.src.findings) == 0 {
			y.fail(e.key, fmt.Sprintf("The network %s has no guests.", quote(e.name)), "Write {guests: [one, two]}.")
		}
		for _, other := range networks {
			if network.Subnet.IsValid() && network.Subnet.Overlaps(other.Subnet) {
				y.fail(subnet, fmt.Sprintf("The networks %s and %s have addresses in common: %s and %s.", quote(other.Name), quote(e.name), other.Subnet, network.Subnet), "Give one of them another subnet.")
			}
		}
		for _, g := range network.Guests {
			if cards[g]++; cards[g] == maxCards+1 {
				y.fail(e.key, fmt.Sprintf("The guest %s is on more than %d networks.", quote(g), maxCards), "Do with fewer.")
			}
		}
		networks = append(networks, network)
	}
	return networks
}

// oneNetwork reads one network. It gives where the subnet stands.
func (y *yamlText) oneNetwork(e entry, f *front, into *Network) (subnet ast.Node) {
	subnet = e.key
	y.fields(e.value, "A network", map[string]func(ast.Node){
		"guests": func(n ast.Node) { into.Guests = y.joined(n, f.tutorial.Guests) },
		"subnet": func(n ast.Node) { subnet = n; y.subnet(n, into) },
		"rate":   func(n ast.Node) { y.rate(n, &into.Rate) },
		"delay":  func(n ast.Node) { y.duration(n, "The delay", time.Millisecond, maxDelay, &into.Delay) },
		"loss":   func(n ast.Node) { y.loss(n, &into.Loss) },
		"cut":    func(n ast.Node) { y.cut(n, f, into) },
	})
	if into.Subnet.IsValid() && uint64(len(into.Guests)) > (&Var{IP: into.Subnet}).hosts() {
		y.fail(subnet, fmt.Sprintf("%s has no room for %d guests.", into.Subnet, len(into.Guests)), "Take a larger subnet.")
	}
	return subnet
}

// joined reads the guests of a network.
func (y *yamlText) joined(n ast.Node, guests []Guest) []string {
	nodes, ok := y.list(n, "guests")
	if !ok {
		return nil
	}
	var known, names []string
	for _, g := range guests {
		known = append(known, g.Name)
	}
	for _, n := range nodes {
		name, ok := y.scalar(n, "A guest")
		switch {
		case !ok:
		case !slices.Contains(known, name):
			y.fail(n, fmt.Sprintf("The tutorial has no guest %s.", quote(name)), DidYouMean(name, known))
		case slices.Contains(names, name):
			y.fail(n, fmt.Sprintf("The guest %s stands here twice.", quote(name)), "Keep one of them.")
		default:
			names = append(names, name)
		}
	}
	return names
}

func (y *yamlText) subnet(n ast.Node, into *Network) {
	s, ok := y.scalar(n, "The subnet")
	if !ok {
		return
	}
	if s == "none" {
		into.Subnet = netip.Prefix{}
		return
	}
	p, problem := parseSubnet(s)
	if problem != "" {
		y.fail(n, fmt.Sprintf("%s %s", quote(s), problem), "Write it as 10.1.0.0/24, or “none” for cards without addresses.")
		return
	}
	into.Subnet = p
}

func (y *yamlText) rate(n ast.Node, into *int64) {
	s, ok := y.scalar(n, "The rate")
	if !ok {
		return
	}
	m := rateForm.FindStringSubmatch(strings.ToLower(s))
	rate := int64(0)
	if m != nil {
		rate, _ = strconv.ParseInt(m[1], 10, 64)
		rate *= map[string]int64{"": 1, "k": 1e3, "m": 1e6, "g": 1e9}[m[2]]
	}
	if rate < 1000 || rate > maxRate {
		y.fail(n, fmt.Sprintf("%s is not a rate from 1kbit to 100gbit a second.", quote(s)), "Write it as 500kbit, 10mbit or 1gbit.")
		return
	}
	*into = rate
}

func (y *yamlText) loss(n ast.Node, into *float64) {
	s, ok := y.scalar(n, "The loss")
	if !ok {
		return
	}
	share, ok := parsePercent(s)
	if !ok {
		y.fail(n, fmt.Sprintf("%s is not a share of frames that are lost.", quote(s)), "Write it as 1%, from 0% to 100%.")
		return
	}
	*into = share
}

// cut reads when nothing passes: always, or at some steps.
func (y *yamlText) cut(n ast.Node, f *front, into *Network) {
	if b, ok := n.(*ast.BoolNode); ok {
		into.Cut = b.Value
		return
	}
	steps, ok := n.(*ast.SequenceNode)
	if !ok || len(steps.Values) == 0 {
		y.fail(n, "cut is true, false or a list of steps.", "Write “true”, or the ids of steps: [step-one].")
		return
	}
	for _, n := range steps.Values {
		id, ok := y.scalar(n, "A step")
		if !ok {
			continue
		}
		at, length := y.place(n.GetToken())
		f.atSteps = append(f.atSteps, atStep{id, at, length})
		into.CutAt = append(into.CutAt, id)
	}
}
