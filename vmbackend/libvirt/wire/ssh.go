package wire

import "errors"

func newSSH(t target, e Endpoint) (way, error) { return nil, errors.New("comes soon") }
