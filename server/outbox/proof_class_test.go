package outbox

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/lti/ltitest"
	"github.com/labmark/labmark/server/store"
)

func mustProof(t *testing.T, kind ltitest.Kind) *proof {
	t.Helper()
	p := &proof{t: t, dir: t.TempDir(), users: map[string]uint{}, final: map[string]float64{}, made: map[string]int{}}
	srv := httptest.NewUnstartedServer(nil)
	srv.Start()
	t.Cleanup(srv.Close)
	p.lms = ltitest.New(ltitest.Config{Kind: kind, Issuer: srv.URL})
	srv.Config.Handler = p.lms

	keys, _ := lti.Rotate(nil, time.Now().Add(-time.Hour))
	if err := os.WriteFile(filepath.Join(p.dir, "key.pem"), keys[0].PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	tool := p.lms.AddTool(ltitest.Tool{LaunchURLs: []string{"http://127.0.0.1:9/lti/launch"}, KeySet: lti.JWKS(keys)})
	course := p.lms.AddCourse(ltitest.Course{Title: "Introduction to Linux"})
	p.link = p.lms.AddLink(ltitest.Link{Course: course.ID, Client: tool.ClientID, Title: "Users and groups", Points: 10})

	var err error
	if p.db, err = store.Open(filepath.Join(p.dir, "labmark.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.db.Close() })
	platform := store.Platform{Name: "LMS", Issuer: srv.URL, ClientID: tool.ClientID, TokenURL: p.lms.TokenURL(),
		Product: string(kind), State: store.PlatformActive}
	if err := p.db.AddPlatform(t.Context(), &platform); err != nil {
		t.Fatal(err)
	}
	for n := range proofStudents {
		u := p.lms.AddUser(ltitest.User{Given: fmt.Sprint("Student ", n)})
		p.lms.Enrol(course.ID, u.ID, "Learner")
		p.subs = append(p.subs, u.ID)
		items := p.lineItems(u.ID)
		l, err := p.db.TakeLaunch(t.Context(), store.Launch{User: store.User{PlatformID: &platform.ID, Subject: &u.ID},
			Context:    &store.Context{PlatformID: platform.ID, LTIID: course.ID, LineItems: items},
			Membership: store.Membership{Learner: true},
			Link:       &store.ResourceLink{LTIID: p.link.ID, Course: "linux", Tutorial: "users"}})
		if err != nil {
			t.Fatal(err)
		}
		p.launch, p.users[u.ID] = l, l.User.ID
	}
	return p
}

// lineItems is the address that a launch tells.
func (p *proof) lineItems(user string) string {
	p.t.Helper()
	claims, err := p.lms.Claims(ltitest.Message{User: user, Link: p.link.ID}, "nonce")
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := json.Marshal(claims["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"])
	var endpoint struct {
		LineItems string `json:"lineitems"`
	}
	if err == nil {
		err = json.Unmarshal(text, &endpoint)
	}
	if err != nil || endpoint.LineItems == "" {
		p.t.Fatalf("a launch tells no line items: %s, %v", text, err)
	}
	return endpoint.LineItems
}
