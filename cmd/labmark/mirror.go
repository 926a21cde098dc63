package main

import (
	"context"

	"github.com/labmark/labmark/server/mirror"
	"github.com/labmark/labmark/vmbackend/image"
)

// mirrors reads what --mirror names: addresses, or "auto" for those that this
// machine's own apt uses.
func mirrors(ctx context.Context, named []string) ([]mirror.Target, error) {
	var targets []mirror.Target
	for _, text := range named {
		addresses := []string{text}
		if text == "auto" {
			var err error
			if addresses, err = image.OwnMirrors(ctx); err != nil {
				return nil, err
			}
		}
		for _, address := range addresses {
			target, err := mirror.ParseTarget(address)
			if err != nil {
				return nil, err
			}
			targets = append(targets, target)
		}
	}
	return targets, nil
}
