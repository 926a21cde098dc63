package image

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// OwnMirrors returns the addresses of Debian's archives that this machine's
// own apt uses: those that images built here have in their sources.
func OwnMirrors(ctx context.Context) ([]string, error) {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", targetFormat, "Created-By: Packages").Output()
	if err != nil {
		return nil, fmt.Errorf("ask apt for this machine's sources: %w", err)
	}
	return ownMirrors(parseTargets(out), isDebian())
}

func ownMirrors(all []target, onDebian bool) ([]string, error) {
	var own []string
	for _, t := range all {
		if t.debian(onDebian) && strings.HasPrefix(t.uri, "http") {
			own = append(own, t.uri)
		}
	}
	if own = unique(own); len(own) == 0 {
		return nil, errors.New("apt on this machine knows no archive of Debian that is reached by http: name a mirror by its address")
	}
	return own, nil
}
