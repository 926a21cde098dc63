package wire

import "errors"

func newTLS(t target, e Endpoint) (way, error) { return nil, errors.New("comes soon") }
