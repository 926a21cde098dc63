package guestlink

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// AwaitHello returns when the guest at the other end of rw has said that its
// agent is there and in no session. It sends nothing and makes nothing
// personal, so the guest may then be saved and copied; rw stays open, for a
// Connect with Options.Awake or to be closed. When it fails it has closed rw.
func AwaitHello(ctx context.Context, rw io.ReadWriteCloser) error {
	stop := context.AfterFunc(ctx, func() { _ = rw.Close() })
	err := awaitHello(newDecoder(rw))
	if !stop() {
		err = fmt.Errorf("guestlink: the guest's agent did not speak in time: %w", context.Cause(ctx))
	}
	if err != nil {
		_ = rw.Close()
	}
	return err
}

func awaitHello(dec *decoder) error {
	for {
		t, payload, err := dec.next()
		switch {
		case errors.Is(err, errBadFrame):
			continue
		case err != nil:
			return fmt.Errorf("guestlink: the line to the guest broke: %w", err)
		case t == frameHello:
			_, err := splitVersion(payload)
			return err
		}
	}
}
