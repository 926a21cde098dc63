package server

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/labmark/labmark/server/audit"
)

func TestAdministratorReplacesAGuest(t *testing.T) {
	b := mustServeNodes(t, "anvil")
	root, ann := b.signedIn("root"), b.signedIn("ann")
	if status, body := ann.api("/api/courses/linux/one/guest/start", nil); status != http.StatusAccepted {
		t.Fatalf("start: %d %v", status, body)
	}
	replace := regexp.MustCompile(`/admin/guests/(g-[a-z0-9]+)/replace`)
	page := func() string { _, body := root.get("/admin/guests?q=ann"); return body }
	until(t, "Ann's guest on the page", func() bool { return replace.MatchString(page()) })
	id := replace.FindStringSubmatch(page())[1]
	if body := page(); !strings.Contains(body, "linux/<wbr>one") || !strings.Contains(body, "anvil") {
		t.Errorf("the page does not say where and for what the guest is\n%s", body)
	}
	if _, body := root.get("/admin/guests?q=nobody-of-that-name"); strings.Contains(body, id) {
		t.Error("the search for another shows Ann's guest")
	}
	for _, path := range []string{"/admin/guests", "/admin/guests/" + id + "/replace", "/admin/guests/" + id + "/stop"} {
		method := http.MethodPost
		if path == "/admin/guests" {
			method = http.MethodGet
		}
		if answer, _ := ann.do(method, path, nil); answer.StatusCode != http.StatusNotFound {
			t.Errorf("a student asked for %s: %s", path, answer.Status)
		}
	}
	until(t, "the guest to be replaced", func() bool {
		root.do(http.MethodPost, "/admin/guests/"+id+"/replace", nil) // while it starts nothing happens
		now := replace.FindStringSubmatch(page())
		return now != nil && now[1] != id
	})
	user, err := b.store.UserByLogin(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if e := b.noted(audit.GuestMoved); e.Guest != id || e.About == nil || *e.About != user.ID || e.UserID == nil || *e.UserID == user.ID {
		t.Errorf("the replacement is noted as %+v", e)
	}
}
