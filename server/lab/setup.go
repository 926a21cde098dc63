package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
)

// Prepare runs a setup block in the guest that client is logged in to as root.
// Whatever the block is, script or file, the result tells how it went; its
// message is for authors and instructors.
func Prepare(ctx context.Context, client *ssh.Client, s *content.Setup, values content.Values) checks.Result {
	if s.Deposit == nil {
		r := checks.Run(ctx, client, setupScript(s, values))
		if r.Verdict == checks.Fail && r.Message == setupFailed {
			r.Message = failed(r.Evidence)
		}
		return r
	}
	r := checks.Result{Verdict: checks.Pass, Score: 1, Message: "Written.", Evidence: checks.Evidence{Started: time.Now()}}
	timeout := s.Timeout
	if timeout == 0 {
		timeout = checks.DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := Deposit(ctx, client, *s.Deposit, values); err != nil {
		r.Verdict, r.Score, r.Message, r.Err = checks.Unsure, 0, err.Error(), err
		var refused Refusal
		if errors.As(err, &refused) {
			r.Verdict, r.Err = checks.Fail, nil
			r.Evidence.ExitStatus, r.Evidence.Stderr.Text = &refused.Status, refused.Said
		}
	}
	r.Evidence.Revision, r.Evidence.Ended = SetupRevision(s), time.Now()
	return r
}

// setupFailed stands where a script has not said itself why it failed.
const setupFailed = "The setup failed."

func setupScript(s *content.Setup, values content.Values) checks.Script {
	return checks.Script{ID: fmt.Sprintf("setup-%d", s.Line), Lang: s.Lang, Body: s.Script, User: s.User, Timeout: s.Timeout,
		Vars: values, PassMessage: "Prepared.", FailMessage: setupFailed, GuestTools: true}
}

// failed says how a setup's script has ended, with the last that it said.
func failed(e checks.Evidence) string {
	message := setupFailed
	if e.ExitStatus != nil {
		message = fmt.Sprintf("The setup ended with exit status %d.", *e.ExitStatus)
	}
	said := strings.TrimSpace(e.Stderr.Text)
	if i := strings.LastIndexByte(said, '\n'); i >= 0 {
		said = said[i+1:]
	}
	if said != "" {
		message += " It said: " + said
	}
	return message
}

// SetupRevision is a digest of all that a setup block does: "sha256:" and 64
// hex digits. It is the same for all students.
func SetupRevision(s *content.Setup) string {
	text, err := json.Marshal(struct {
		At, Guest, User, Lang, Script string
		Deposit                       *content.Deposit
	}{s.At, s.Guest, s.User, s.Lang, s.Script, s.Deposit})
	if err != nil {
		panic(err) // structs of strings and numbers can be marshalled
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}
