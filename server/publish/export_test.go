package publish

import "testing"

// BoundClones lets clones take so many bytes, in one test.
func BoundClones(t *testing.T, bytes int64) {
	former := maxClone
	maxClone = bytes
	t.Cleanup(func() { maxClone = former })
}
