package guests

import (
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend/guestssh"
)

// testKeys are a host key and an authorized key that fit a Spec.
func testKeys(t *testing.T) (hostKey, authorized []byte) {
	t.Helper()
	hostKey, public, err := guestssh.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	return hostKey, ssh.MarshalAuthorizedKey(public)
}
