package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"io"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// maxHook is how much a webhook's body may hold, in bytes.
const maxHook = 5 << 20

// hook pulls a course at once when its repository says that it was pushed to.
// GitHub, Gitea and Forgejo sign the body (X-Hub-Signature-256, HMAC-SHA256
// with the secret); GitLab sends the secret itself (X-Gitlab-Token). What the
// body says is not read: the repository is asked.
func (s *site) hook(c *gin.Context) {
	if s.HookSecret == "" || s.Publisher == nil {
		s.fail(c, errNoPage)
		return
	}
	body, err := io.ReadAll(io.LimitReader(c.Request.Body, maxHook))
	if err != nil {
		s.fail(c, errBadInput)
		return
	}
	if !signed(c.Request.Header, body, []byte(s.HookSecret)) {
		c.String(http.StatusForbidden, "The signature is missing or wrong: give the webhook the secret of --hook-secret.\n")
		return
	}
	if !s.Publisher.Pull(c.Param("course")) {
		c.String(http.StatusNotFound, "No course of this id is served.\n")
		return
	}
	c.String(http.StatusAccepted, "The course is pulled.\n")
}

func signed(h http.Header, body, secret []byte) bool {
	if token := h.Get("X-Gitlab-Token"); token != "" {
		return subtle.ConstantTimeCompare([]byte(token), secret) == 1
	}
	sent, err := hex.DecodeString(strings.TrimPrefix(h.Get("X-Hub-Signature-256"), "sha256="))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hmac.Equal(sent, mac.Sum(nil))
}
