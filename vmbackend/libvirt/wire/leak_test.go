package wire_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Connections that are closed, lost or refused leave nothing running.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
