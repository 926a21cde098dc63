package web

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// launchLife is how long a launch's session lasts.
const launchLife = 24 * time.Hour

// sit begins a launch's session at an address of its own and returns that
// address, "/at/KEY". Where the browser keeps no cookies (bare) the address is
// all that there is to know it by: see copied.
func (s *site) sit(c *gin.Context, user uint, l launched, bare bool) (string, error) {
	ctx, err := s.sessions.Load(c.Request.Context(), "")
	if err != nil {
		return "", err
	}
	told, err := json.Marshal(l)
	if err != nil {
		return "", err
	}
	s.sessions.SetDeadline(ctx, time.Now().Add(launchLife))
	s.sessions.Put(ctx, userKey, int(user))
	s.sessions.Put(ctx, launchKey, told)
	key := rand.Text() + rand.Text()
	if bare {
		if key, _, err = s.sessions.Commit(ctx); err != nil { // draws the token
			return "", err
		}
		s.sessions.Put(ctx, bareKey, true)
	}
	s.sessions.Put(ctx, addressKey, key)
	token, expiry, err := s.sessions.Commit(ctx)
	if err == nil && !bare {
		http.SetCookie(c.Writer, s.seatCookie(key, token, expiry))
	}
	return "/at/" + key, err
}

// seatCookie must come along when the page stands in another site's frame:
// there browsers keep Partitioned cookies only.
func (s *site) seatCookie(key, token string, expiry time.Time) *http.Cookie {
	return &http.Cookie{Name: s.sessions.Cookie.Name + "-" + key[:12], Value: token, Path: "/at/" + key,
		Expires: expiry, HttpOnly: true, Secure: true, SameSite: http.SameSiteNoneMode, Partitioned: true}
}

// pass opens an embedded page in a window of its own, once. Cookies of frames
// are not those of windows, so the session can't simply be taken along.
type pass struct {
	ID     string
	User   uint
	Launch launched
	Until  int64 // Unix time, seconds
}

// passLife is how long an embedded page's link to a window works.
const passLife = 12 * time.Hour

// popout is the address that opens the page at path in a window.
func (s *site) popout(st *seated, path string) (string, error) {
	p := pass{ID: rand.Text(), User: st.user.ID, Launch: *st.launch, Until: time.Now().Add(passLife).Unix()}
	p.Launch.Embedded, p.Launch.Linking = false, nil
	b, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	q := url.Values{"pass": {base64.RawURLEncoding.EncodeToString(b) + "." + s.seal(b)}, "next": {path}}
	return "/enter?" + q.Encode(), nil
}

func (s *site) seal(b []byte) string {
	mac := hmac.New(sha256.New, s.Secret)
	mac.Write([]byte("popout\x00"))
	mac.Write(b)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// enterByPass begins a session in a window of its own for one of a frame. Only
// a link of our own pages may lead here, so that nobody is led into another's.
func (s *site) enterByPass(c *gin.Context) {
	p, ok := s.readPass(c.Query("pass"))
	if from := c.GetHeader("Sec-Fetch-Site"); from != "" && from != "same-origin" || !ok {
		s.fail(c, errLaunchOver)
		return
	}
	until := time.Unix(p.Until, 0)
	first, err := s.Store.Once(c.Request.Context(), "pass:"+p.ID, until)
	if err != nil || !first || time.Now().After(until) {
		s.fail(c, cmp.Or[error](err, errLaunchOver))
		return
	}
	address, err := s.sit(c, p.User, p.Launch, false)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, address+safeNext(c.Query("next")))
}

func (s *site) readPass(text string) (p pass, ok bool) {
	body, seal, _ := strings.Cut(text, ".")
	b, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || !hmac.Equal([]byte(seal), []byte(s.seal(b))) {
		return p, false
	}
	return p, json.Unmarshal(b, &p) == nil
}
