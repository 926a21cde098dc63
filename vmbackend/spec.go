package vmbackend

import (
	"fmt"
	"regexp"
)

var idForm = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// ValidID says whether a guest may be called so, see Spec.ID.
func ValidID(id string) bool { return idForm.MatchString(id) }

// Check says what no guest can be made from, whatever the image. leastMemory is
// the backend's bound, in bytes.
func (s Spec) Check(leastMemory int64) error {
	switch {
	case !ValidID(s.ID):
		return fmt.Errorf("create guest %q: an ID is 1 to 40 of a-z, 0-9 and -", s.ID)
	case len(s.HostKey) == 0 || len(s.AuthorizedKey) == 0:
		return fmt.Errorf("create guest %s: it needs a host key and an authorized key", s.ID)
	case s.Memory < 0 || s.Memory > 0 && s.Memory < leastMemory:
		return fmt.Errorf("create guest %s: %d bytes of memory are too few; give at least %d or 0", s.ID, s.Memory, leastMemory)
	}
	if err := s.checkNetworks(); err != nil {
		return fmt.Errorf("create guest %s: %w", s.ID, err)
	}
	return nil
}
