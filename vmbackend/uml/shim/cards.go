package shim

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/labmark/labmark/vmbackend"
)

// plugIn joins the guest's cards to their networks for one boot; ends are the
// host's ends of the cards.
func (s *supervisor) plugIn(ends []*os.File) error {
	s.cables.Lock()
	defer s.cables.Unlock()
	for i, c := range s.cfg.Cards {
		p, err := plugIn(filepath.Join(s.cfg.Networks, c.Network), s.cfg.Guest, ends[i], s.links[c.Network])
		if err != nil {
			for _, p := range s.ports {
				p.unplug()
			}
			clear(s.ports)
			return err
		}
		s.ports[c.Network] = p
	}
	return nil
}

func (s *supervisor) unplug() {
	s.cables.Lock()
	defer s.cables.Unlock()
	for _, p := range s.ports {
		p.unplug()
	}
	clear(s.ports)
}

// relink gives the link to a network another shape, for later boots too.
func (s *supervisor) relink(r request) answerLine {
	s.cables.Lock()
	defer s.cables.Unlock()
	if _, ok := s.links[r.Network]; !ok || r.Link == nil {
		return answerLine{Error: fmt.Sprintf("the guest has no card on network %q", r.Network)}
	}
	s.links[r.Network] = *r.Link
	if p := s.ports[r.Network]; p != nil {
		p.cable.set(*r.Link)
	}
	return answerLine{}
}

// Leave removes what a guest that is destroyed has in its networks, and those
// in which nobody is left.
func Leave(networks, guest string, cards []vmbackend.Card) error {
	for _, c := range cards {
		folder := filepath.Join(networks, c.Network)
		if err := os.Remove(filepath.Join(folder, guest)); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("leave a network: %w", err)
		}
		_ = os.Remove(folder) // unless others are there
	}
	return nil
}
