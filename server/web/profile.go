package web

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/bastion"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

const profilePath = "/profile"

// SSH is how people's own clients come in.
type SSH struct {
	// Command is what they type: "ssh -p 2222 labmark@labs.example.edu".
	Command string
	HostKey ssh.PublicKey
	// EndKey ends what came in by a key that is gone.
	EndKey func(id uint)
}

func (s *site) profileRoutes(pages *gin.RouterGroup) {
	pages.GET("", s.profile)
	pages.POST("/keys", s.addKey)
	pages.POST("/keys/:key/remove", s.removeKey)
}

func (s *site) profile(c *gin.Context) { s.profilePage(c, http.StatusOK, themes.ProfilePage{}) }

// profilePage shows the profile; p holds what a form has brought.
func (s *site) profilePage(c *gin.Context, status int, p themes.ProfilePage) {
	u := viewer(c)
	keys, err := s.Store.SSHKeys(c.Request.Context(), u.ID)
	if err != nil {
		s.fail(c, err)
		return
	}
	p.Layout = s.layout(c, s.words(c).Say("Your profile"), s.coursesCrumb(c))
	p.Name, p.AddAction, p.Privacy = u.Called(), at(c, profilePath+"/keys"), at(c, "/privacy")
	if u.PlatformID == nil {
		p.Login = u.Login
	}
	if s.SSH != nil {
		p.SSH = &themes.SSHWay{Command: s.SSH.Command, Fingerprint: ssh.FingerprintSHA256(s.SSH.HostKey)}
	}
	for _, k := range keys {
		kind, _, _ := strings.Cut(k.Line, " ")
		p.Keys = append(p.Keys, themes.KeyView{Name: k.Name, Kind: kind, Fingerprint: k.Fingerprint, Added: k.CreatedAt, Used: k.UsedAt,
			RemoveAction: at(c, profilePath+"/keys/"+strconv.FormatUint(uint64(k.ID), 10)+"/remove")})
	}
	s.page(c, status, p)
}

// maxKeyName bounds what a key is called, in bytes.
const maxKeyName = 120

func (s *site) addKey(c *gin.Context) {
	line, name := c.PostForm("line"), strings.TrimSpace(c.PostForm("name"))
	key, comment, err := bastion.ParseKey(line)
	if err == nil {
		name = cmp.Or(name, comment, ssh.FingerprintSHA256(key))
		name = strings.ToValidUTF8(name[:min(len(name), maxKeyName)], "")
		err = s.Store.AddSSHKey(c.Request.Context(), &store.SSHKey{UserID: viewer(c).ID, Name: name,
			Fingerprint: ssh.FingerprintSHA256(key), Line: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))})
	}
	if err == nil {
		c.Redirect(http.StatusSeeOther, at(c, profilePath))
		return
	}
	for _, known := range keyProblems {
		if errors.Is(err, known.err) {
			if errors.Is(err, bastion.ErrPrivateKey) {
				line = "" // it is not sent around once more
			}
			s.profilePage(c, http.StatusUnprocessableEntity, themes.ProfilePage{Error: s.words(c).Translate(known.says), Line: line, Key: name})
			return
		}
	}
	s.fail(c, err)
}

// keyProblems are errors of adding a key, in sentences of the catalogs.
var keyProblems = []struct {
	err  error
	says string
}{
	{bastion.ErrPrivateKey, "This is a private key: keep it to yourself. Paste the line from the file that ends in .pub. As it has been shown to others now, better make a new key."},
	{bastion.ErrNoKey, "This is no public SSH key. Paste the one line from the file that ends in .pub."},
	{bastion.ErrOptions, "Options before a key are not understood here. Paste the key alone."},
	{bastion.ErrCertified, "Certificates are not understood here. Paste the key itself."},
	{bastion.ErrWeakKey, "This kind of key is too weak. Make a new one with ssh-keygen -t ed25519; RSA keys need 3072 bits."},
	{store.ErrExists, "This key is in use here already. A key belongs to one account; make another with ssh-keygen -t ed25519."},
	{store.ErrTooMany, "You have as many keys as one account may have. Remove one first."},
}

func (s *site) removeKey(c *gin.Context) {
	id, err := strconv.ParseUint(c.Param("key"), 10, 64)
	if err != nil {
		s.fail(c, errNoPage)
		return
	}
	if err := s.Store.RemoveSSHKey(c.Request.Context(), viewer(c).ID, uint(id)); err != nil {
		s.fail(c, err)
		return
	}
	if s.SSH != nil {
		s.SSH.EndKey(uint(id))
	}
	c.Redirect(http.StatusSeeOther, at(c, profilePath))
}
