package lti

import (
	"fmt"
	"strings"
)

// Reason is why something was refused: one stable name for each cause, for
// logs, tests and whoever asks for help.
type Reason string

// Refusal is the error of a login, a launch or a registration that is not
// taken. Person and Mend are sentences for whoever sits before the screen.
type Refusal struct {
	Reason Reason
	Person string // what happened
	Mend   string // what can be done
	// Detail is for an administrator's log: issuer, client id, kid, names of
	// claims. Never a token, a state or a nonce.
	Detail   string
	Platform uint // Platform.ID; 0 where it is not known yet
}

func (r *Refusal) Error() string {
	if r.Detail == "" {
		return fmt.Sprintf("lti: %s", r.Reason)
	}
	return fmt.Sprintf("lti: %s: %s", r.Reason, r.Detail)
}

// Temporary is true for what may well heal when it is tried again.
func (r *Refusal) Temporary() bool {
	switch r.Reason {
	case ReasonLookup, ReasonOnce, ReasonKeysUnreachable, ReasonKeysSlow, ReasonTokenFuture, ReasonTokenEarly,
		ReasonRegistrationUnreachable:
		return true
	}
	return false
}

// NeedStorage is the error of a launch that brought no cookie from a platform
// that keeps data for tools (Platform Storage 0.1). A page has to read Key
// from there and post the launch once more, with LaunchRequest.Stored.
type NeedStorage struct {
	Stored   Stored // without Value
	Platform uint
}

func (n *NeedStorage) Error() string {
	return fmt.Sprintf("lti: the browser sent no cookie; ask the platform's storage for %s", n.Stored.Key)
}

// longestDetail bounds a refusal's line in the log, in characters.
const longestDetail = 1500

// refuse makes a refusal with the texts of its reason.
func refuse(reason Reason, p Platform, detail string, args ...any) *Refusal {
	told := sayings[reason]
	detail = fmt.Sprintf(detail, args...)
	if p.Issuer != "" {
		detail = strings.TrimSpace(fmt.Sprintf("%s (issuer %s, client id %s)", detail, quoted(p.Issuer), quoted(p.ClientID)))
	}
	detail = strings.ReplaceAll(clean(detail, longestDetail), "\n", " ") // errors of others may bring anything
	return &Refusal{Reason: reason, Person: told.person, Mend: told.mend, Detail: detail, Platform: p.ID}
}

// quoted makes foreign text fit for one line of a log.
func quoted(s string) string {
	if len(s) > 200 {
		return fmt.Sprintf("%.200q… (%d bytes)", s, len(s))
	}
	return fmt.Sprintf("%q", s)
}
