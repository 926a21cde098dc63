package ltitest

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// Launch walks a whole launch as a browser without scripts does: initiation,
// authorisation, and the post to the tool. It gives the tool's last answer,
// whose body the caller closes. Where the tool answers the initiation with a
// page, the link <a id="continue" href="…"> is followed.
//
// A nil client means a fresh one with a cookie jar of its own; a client
// without a jar is used with one, so that the state's cookie comes back.
func (p *Platform) Launch(ctx context.Context, client *http.Client, m Message) (*http.Response, error) {
	browser := http.Client{}
	if client != nil {
		browser = *client
	}
	if browser.Jar == nil {
		browser.Jar = NewJar()
	}
	login, form, err := p.Initiation(m)
	if err != nil {
		return nil, err
	}
	// The way to the platform is walked by hand: it may go through a page.
	steps := browser
	steps.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := post(ctx, &steps, login, form)
	if err != nil {
		return nil, err
	}
	auth, body, err := onward(answer)
	if err != nil || auth == "" {
		answer.Body = io.NopCloser(bytes.NewReader(body))
		return answer, err
	}
	// Authorise does what the endpoint does, whether or not it is served here.
	u, err := url.Parse(auth)
	if err != nil {
		return nil, fmt.Errorf("the tool sent the browser to %q: %w", auth, err)
	}
	if want := p.AuthURL(); !strings.HasPrefix(auth, want+"?") {
		return nil, fmt.Errorf("the tool sent the browser to %q instead of %s", auth, want)
	}
	redirect, form, err := p.Authorise(u.Query())
	if err != nil {
		return nil, err
	}
	return post(ctx, &browser, redirect, form)
}

// onward is where an answer to the initiation leads; empty where it leads
// nowhere, with the body that was read.
func onward(answer *http.Response) (to string, body []byte, err error) {
	defer answer.Body.Close()
	if at, err := answer.Location(); err == nil {
		return at.String(), nil, nil
	}
	body, err = io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return "", nil, err
	}
	for _, tag := range anchor.FindAllString(string(body), -1) {
		if href := hrefOf.FindStringSubmatch(tag); href != nil && continueID.MatchString(tag) {
			return html.UnescapeString(href[1]), body, nil
		}
	}
	return "", body, nil
}

var (
	anchor     = regexp.MustCompile(`<a\s[^>]*>`)
	continueID = regexp.MustCompile(`\sid="?continue["\s>]`)
	hrefOf     = regexp.MustCompile(`\shref="([^"]*)"`)
)

func post(ctx context.Context, client *http.Client, to string, form url.Values) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return client.Do(r)
}

// NewJar keeps cookies as browsers do on loopback, where they take Secure
// ones over plain HTTP.
func NewJar() http.CookieJar {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(fmt.Sprintf("cookie jar: %v", err)) // only for bad options
	}
	return &loopbackJar{jar}
}

type loopbackJar struct{ jar *cookiejar.Jar }

func (j *loopbackJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	open := make([]*http.Cookie, len(cookies))
	for i, c := range cookies {
		plain := *c
		plain.Secure = c.Secure && u.Scheme == "https"
		open[i] = &plain
	}
	j.jar.SetCookies(u, open)
}

func (j *loopbackJar) Cookies(u *url.URL) []*http.Cookie { return j.jar.Cookies(u) }
