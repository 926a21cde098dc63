package lms

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/store"
)

// Name and Description are how Labmark introduces itself to platforms.
const (
	Name        = "Labmark"
	Description = "Labs on Linux machines of one's own that mark themselves."
)

// Known fills in what follows from a product and the address of its site, as
// far as p leaves it empty.
func Known(p store.Platform, site string) store.Platform {
	site = strings.TrimSuffix(site, "/")
	fill := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	switch p.Product {
	case "moodle":
		if site != "" {
			fill(&p.Issuer, site)
			fill(&p.AuthURL, site+"/mod/lti/auth.php")
			fill(&p.TokenURL, site+"/mod/lti/token.php")
			fill(&p.KeysURL, site+"/mod/lti/certs.php")
		}
	case "canvas":
		// All of Instructure's Canvas has one issuer, whatever the school's
		// address; a Canvas of one's own says so in its configuration.
		fill(&p.Issuer, "https://canvas.instructure.com")
		host := "https://sso.canvaslms.com"
		if p.Issuer != "https://canvas.instructure.com" && site != "" {
			host = site
		}
		fill(&p.AuthURL, host+"/api/lti/authorize_redirect")
		fill(&p.TokenURL, host+"/login/oauth2/token")
		fill(&p.KeysURL, host+"/api/lti/security/jwks")
		if len(p.Deployments) == 0 {
			p.Deployments = []string{lti.AnyDeployment}
		}
		if o := Origin(site); o != "" && len(p.FrameOrigins) == 0 {
			p.FrameOrigins = append(FrameOrigins(Registration(p)), o)
		}
	}
	return p
}

// Add checks and stores a platform that was registered by hand.
func (o *Office) Add(ctx context.Context, p store.Platform) (store.Platform, error) {
	if err := Check(p); err != nil {
		return p, err
	}
	if p.Name == "" {
		p.Name = nameless(p)
	}
	if len(p.FrameOrigins) == 0 {
		p.FrameOrigins = FrameOrigins(Registration(p))
	}
	if p.State == "" {
		p.State = store.PlatformActive
	}
	err := o.Store.AddPlatform(ctx, &p)
	if errors.Is(err, store.ErrExists) {
		return p, fmt.Errorf("the client id %s of %s is registered already", p.ClientID, p.Issuer)
	}
	return p, err
}

// nameless is what to call a platform before its first launch tells its name.
func nameless(p store.Platform) string { return hostOf(p.Issuer) }

// Wrong is all that is wrong with what describes a platform, each in words.
type Wrong []string

func (w Wrong) Error() string { return strings.Join(w, "; ") }

// Check says what is missing or wrong in a platform's record.
func Check(p store.Platform) error {
	var wrong Wrong
	for _, f := range []struct{ what, value string }{
		{"the issuer (platform ID)", p.Issuer}, {"the authentication request URL", p.AuthURL},
		{"the access token URL", p.TokenURL}, {"the public keyset URL", p.KeysURL},
	} {
		if why := address(f.value); why != "" {
			wrong = append(wrong, f.what+" "+why)
		}
	}
	if strings.TrimSpace(p.ClientID) == "" {
		wrong = append(wrong, "the client id is missing")
	}
	for _, o := range p.FrameOrigins {
		if plain := strings.Replace(o, "://*.", "://", 1); Origin(plain) != plain {
			wrong = append(wrong, fmt.Sprintf("the site %q is no origin: give it as https://school.example.edu, without a path", o))
		}
	}
	if len(p.Deployments) == 0 {
		wrong = append(wrong, `the deployment id is missing ("*" takes any)`)
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

// address says what is wrong with a platform's address; empty if nothing.
func address(text string) string {
	if text == "" {
		return "is missing"
	}
	if u, err := lti.SecureURL(text); err != nil {
		return fmt.Sprintf("is %v: %q", err, text)
	} else if u.Fragment != "" {
		return fmt.Sprintf("must not have a part after #: %q", text)
	}
	return ""
}

func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

// inviteLife is how long an address for dynamic registration works.
const inviteLife = 24 * time.Hour

// Invite draws an address that lets one platform register itself, once
// (Dynamic Registration 1.0, section 3.2).
func (o *Office) Invite(ctx context.Context) (address string, until time.Time, err error) {
	secret := rand.Text()
	until = o.Now().Add(inviteLife)
	if err := o.Store.Invite(ctx, hashed(secret), until); err != nil {
		return "", until, err
	}
	return o.Endpoints().At(lti.RegisterPath) + "?" + url.Values{"invitation": {secret}}.Encode(), until, nil
}

func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// ErrNotInvited is returned to a platform without an open invitation.
var ErrNotInvited = errors.New("the address for registration is used up or too old")

// Register lets a platform with an invitation register itself. The invitation
// is used up only when that succeeds.
func (o *Office) Register(ctx context.Context, invitation, configURL, token string) (store.Platform, error) {
	// One after the other, so that an invitation serves one platform.
	select {
	case o.registering <- struct{}{}:
		defer func() { <-o.registering }()
	case <-ctx.Done():
		return store.Platform{}, ctx.Err()
	}
	open, err := o.Store.Invited(ctx, hashed(invitation), o.Now())
	if err != nil {
		return store.Platform{}, err
	}
	if !open {
		return store.Platform{}, ErrNotInvited
	}
	r, err := lti.Register(ctx, o.HTTP, o.Endpoints(), lti.RegistrationRequest{
		ConfigURL: configURL, Token: token, Name: Name, Description: Description})
	if err != nil {
		return store.Platform{}, err
	}
	p := store.Platform{Name: r.Platform.Name, Issuer: r.Platform.Issuer, ClientID: r.Platform.ClientID,
		AuthURL: r.Platform.AuthURL, TokenURL: r.Platform.TokenURL, KeysURL: r.Platform.KeysURL,
		Audience: r.Platform.Audience, Deployments: r.Platform.Deployments, Product: r.Platform.Product,
		// Who has the invitation was sent it by an administrator.
		State: store.PlatformActive}
	if !slices.Contains(FrameOrigins(r.Platform), Origin(configURL)) {
		p.FrameOrigins = append(FrameOrigins(r.Platform), Origin(configURL))
	}
	if p, err = o.Add(ctx, p); err != nil {
		return p, err
	}
	_, err = o.Store.UseInvitation(ctx, hashed(invitation), o.Now())
	return p, err
}
