package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/labmark/labmark/content"
)

// Revision is a digest of all that decides about a check's verdict: "sha256:"
// and 64 hex digits. It is the same for all students and in all languages.
func Revision(c *content.Check) string {
	c = c.Source()
	script := Check(c, nil).Revision()
	if c.Question == nil {
		return script
	}
	text, err := json.Marshal(struct {
		Script   string
		Question *content.Question
	}{script, c.Question})
	if err != nil {
		panic(err) // structs of strings and numbers can be marshalled
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}
