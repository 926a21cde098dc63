package nodes

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/labmark/labmark/vmbackend"
)

var _ vmbackend.Networker = (*Cluster)(nil)

// NetworksLabel is the label by which a cluster recognises which guests share
// networks, also those that an earlier gateway made: they must be on one node.
const NetworksLabel = "networks"

// labelled gives a guest with cards its NetworksLabel.
func labelled(spec vmbackend.Spec) vmbackend.Spec {
	if len(spec.Cards) == 0 {
		return spec
	}
	var networks []string
	for _, c := range spec.Cards {
		networks = append(networks, c.Network)
	}
	labels := maps.Clone(spec.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[NetworksLabel] = strings.Join(networks, " ")
	spec.Labels = labels
	return spec
}

// noNetwork says why a node is not taken for a guest with cards, or nothing.
// Guests of a node that is lost count no more: others take their place. The
// cluster's mutex is held.
func (m *member) noNetwork(spec vmbackend.Spec) string {
	if len(spec.Cards) == 0 {
		return ""
	}
	if _, able := m.backend.(vmbackend.Networker); !able {
		return "its guests can't be joined to networks"
	}
	for _, other := range m.cluster.members {
		if other != m && !other.lost() && other.hasAnyOf(spec.Cards) {
			return "the other machines of its network are on " + other.node.Name
		}
	}
	return ""
}

// hasAnyOf says whether a guest of the node has a card on one of the networks.
func (m *member) hasAnyOf(cards []vmbackend.Card) bool {
	for _, h := range m.guests {
		networks := strings.Fields(h.Labels[NetworksLabel])
		for _, c := range cards {
			if slices.Contains(networks, c.Network) {
				return true
			}
		}
	}
	return false
}

// noNetworks says whether no node at all can have guests with cards. The
// cluster's mutex is held.
func (c *Cluster) noNetworks(spec vmbackend.Spec) bool {
	for _, m := range c.members {
		if _, able := m.backend.(vmbackend.Networker); able || m.backend == nil {
			return false
		}
	}
	return len(spec.Cards) > 0
}

// SetLink implements vmbackend.Networker, where the guest's node can.
func (c *Cluster) SetLink(ctx context.Context, id, network string, l vmbackend.Link) error {
	if err := l.Check(); err != nil {
		return fmt.Errorf("guest %s: %w", id, err)
	}
	return able(ctx, c, id, func(ctx context.Context, n vmbackend.Networker) error { return n.SetLink(ctx, id, network, l) })
}
