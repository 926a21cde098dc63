package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/labmark/labmark/lti/ltitest"
	"github.com/labmark/labmark/server/audit"
	"github.com/labmark/labmark/server/store"
)

// noted polls for an entry of an act, and returns the newest.
func (b *bed) noted(act string) store.AuditEntry {
	b.t.Helper()
	var found store.AuditEntry
	until(b.t, "an entry of "+act, func() bool {
		all, err := b.store.Audit(b.t.Context(), store.AuditQuery{})
		if err != nil {
			b.t.Fatal(err)
		}
		for _, e := range all {
			if e.Act == act {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

func TestStudentsActsAreNoted(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada := b.browser()
	ada.mustLaunch(b.as("ada"))
	ada.work("one", "first")
	ada.api("/api/courses/linux/one/guest/reset", nil)

	launch := b.noted(audit.Launch)
	if launch.UserID == nil || launch.Address != "127.0.0.1" || launch.Subject != "Our Moodle" {
		t.Errorf("a launch is noted as %+v", launch)
	}
	got := b.noted(audit.GuestAssigned)
	if got.UserID == nil || *got.UserID != *launch.UserID || got.Guest == "" || got.Address != "127.0.0.1" || got.Subject != "linux/one" {
		t.Errorf("who had which guest is noted as %+v", got)
	}
	if check := b.noted(audit.Check); check.Subject != "linux/one/first" || check.Guest == "" {
		t.Errorf("a check is noted as %+v", check)
	}
	b.noted(audit.GuestAsked)
	b.noted(audit.GuestReset)
	b.noted(audit.GuestRetired)

	answer, page := ada.get("/privacy/acts")
	if answer.StatusCode != http.StatusOK || !strings.Contains(page, "ran a check") || !strings.Contains(page, "linux/<wbr>one/<wbr>first") {
		t.Errorf("own acts: %s\n%s", answer.Status, page)
	}
	if _, export := ada.get("/privacy/export"); !strings.Contains(export, `"act": "launch"`) {
		t.Error("what a student takes out about themselves lacks the audit")
	}
	bob := b.browser()
	bob.mustLaunch(b.as("bob"))
	if _, page := bob.get("/privacy/acts"); strings.Contains(page, "ran a check") {
		t.Error("a student reads what another did")
	}
	if err := b.store.Erase(t.Context(), *launch.UserID); err != nil {
		t.Fatal(err)
	}
	left, err := b.store.Audit(t.Context(), store.AuditQuery{Users: []uint{*launch.UserID}})
	if err != nil || len(left) > 0 {
		t.Errorf("of an erased person %d entries are left (%v)", len(left), err)
	}
}

func TestAdministratorSearchesTheAudit(t *testing.T) {
	b := mustServeNodes(t, "anvil", "bellows")
	root, ann := b.signedIn("root"), b.signedIn("ann")
	for _, path := range []string{"/admin/audit", "/admin/audit/export"} {
		if answer, _ := ann.get(path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("a student asked for %s: %s", path, answer.Status)
		}
	}
	root.do(http.MethodPost, "/admin/nodes/anvil/drain", nil)
	b.browser().do(http.MethodPost, "/login", url.Values{"login": {"ann"}, "password": {"wrong"}})
	ann.do(http.MethodPost, "/logout", nil)
	if e := b.noted(audit.Node); e.Subject != "anvil" || e.Details != "drain" {
		t.Errorf("an order to a node is noted as %+v", e)
	}
	b.noted(audit.LoginFailed)
	b.noted(audit.Logout)

	_, page := root.get("/admin/audit?person=ann")
	for _, want := range []string{"failed to sign in", "signed out", "Ann"} {
		if !strings.Contains(page, want) {
			t.Errorf("the search for Ann lacks %q\n%s", want, page)
		}
	}
	if strings.Contains(page, "gave a node an order") {
		t.Error("the search for Ann shows what the administrator did")
	}
	if _, page := root.get("/admin/audit?address=10."); !strings.Contains(page, "nothing of that kind") {
		t.Error("the search for another address shows something")
	}
	answer, table := root.get("/admin/audit/export?person=root")
	if !strings.Contains(answer.Header.Get("Content-Disposition"), "attachment") || !strings.Contains(table, ",node,anvil,") {
		t.Errorf("as a table: %s\n%s", answer.Status, table)
	}
}
