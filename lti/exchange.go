package lti

import (
	"errors"
	"fmt"
	"io"
	"net/http"
)

var (
	errRedirect = errors.New("a redirection that is not followed")
	errTooLarge = errors.New("the answer is too large")
)

// exchanged is an answer with its whole body.
type exchanged struct {
	status int
	header http.Header
	body   []byte
}

// exchange sends a request to an address that a platform or an administrator
// gave. It reads at most limit bytes and follows at most that many
// redirections: never to an address that SecureURL refuses, never from the
// network to this machine, and with home only within the same host. The
// request's context bounds the time.
func exchange(client *http.Client, request *http.Request, limit int64, redirections int, home bool) (exchanged, error) {
	bounded := http.Client{}
	if client != nil {
		bounded = *client
	}
	bounded.Jar = nil
	bounded.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		switch {
		case len(via) > redirections:
			return fmt.Errorf("%w: more than %d in a row", errRedirect, redirections)
		case !secure(next.URL.String()):
			return fmt.Errorf("%w: %s is not https", errRedirect, next.URL.Host)
		case loopback(next.URL) && !loopback(via[0].URL):
			return fmt.Errorf("%w: to this machine itself", errRedirect)
		case home && originOf(next.URL) != originOf(via[0].URL):
			return fmt.Errorf("%w: to another host, %s", errRedirect, next.URL.Host)
		}
		return nil
	}
	response, err := bounded.Do(request)
	if err != nil {
		return exchanged{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return exchanged{}, err
	}
	if int64(len(body)) > limit {
		return exchanged{}, fmt.Errorf("%w: more than %d bytes", errTooLarge, limit)
	}
	return exchanged{status: response.StatusCode, header: response.Header, body: body}, nil
}
