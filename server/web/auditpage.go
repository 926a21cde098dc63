package web

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/audit"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

const (
	auditPath = "/admin/audit"
	// auditRows are on one page; auditMost go into one file.
	auditRows = 100
	auditMost = 100_000
)

// did says each act, in English.
var did = map[string]string{
	audit.Login: "signed in", audit.LoginFailed: "failed to sign in", audit.Logout: "signed out",
	audit.Launch: "came from a platform", audit.LaunchRefused: "was refused at a launch",
	audit.GuestAsked: "asked for a machine", audit.GuestReset: "asked for a fresh machine", audit.GuestStopped: "switched the machine off",
	audit.GuestAssigned: "got a guest", audit.GuestRetired: "guest was taken away for good", audit.GuestMoved: "gave somebody another guest",
	audit.TerminalOpened: "opened a terminal", audit.TerminalClosed: "left a terminal",
	audit.DesktopOpened: "opened a screen", audit.DesktopClosed: "left a screen",
	audit.Check: "ran a check", audit.Hint: "opened a hint", audit.Solution: "opened a solution", audit.File: "wrote a file",
	audit.Key: "changed SSH keys", audit.Decision: "decided upon points or grades", audit.Export: "took data out", audit.Import: "put grades in",
	audit.Settings: "changed settings", audit.Platform: "changed a platform", audit.Node: "gave a node an order", audit.Source: "pulled a course",
	audit.Other: "changed something else",
}

// asked reads what an administrator looks for. Person is as they typed it.
func (s *site) asked(c *gin.Context) (store.AuditQuery, themes.AuditFilter, error) {
	f := themes.AuditFilter{Person: strings.TrimSpace(c.Query("person")), Guest: strings.TrimSpace(c.Query("guest")),
		Address: strings.TrimSpace(c.Query("address")), From: c.Query("from"), To: c.Query("to")}
	q := store.AuditQuery{Guest: f.Guest, Address: f.Address, Limit: auditRows + 1}
	const form = "2006-01-02T15:04"
	if t, err := time.ParseInLocation(form, f.From, time.Local); err == nil {
		q.From = t
	}
	if t, err := time.ParseInLocation(form, f.To, time.Local); err == nil {
		q.To = t.Add(time.Minute) // the minute that was named is still in
	}
	before, _ := strconv.ParseUint(c.Query("before"), 10, 32) // none is as good as the newest
	q.Before = uint(before)
	if f.Person == "" {
		return q, f, nil
	}
	people, err := s.Store.Users(c.Request.Context())
	q.Users = []uint{}
	for _, u := range people {
		if like(u, f.Person) {
			q.Users = append(q.Users, u.ID)
		}
	}
	if number, err := strconv.ParseUint(f.Person, 10, 32); err == nil && len(q.Users) == 0 {
		q.Users = append(q.Users, uint(number)) // somebody who is no more
	}
	return q, f, err
}

func like(u store.User, text string) bool {
	if strconv.FormatUint(uint64(u.ID), 10) == text {
		return true
	}
	return slices.ContainsFunc([]string{u.Login, u.Username, u.Name, u.Email}, func(name string) bool {
		return strings.Contains(strings.ToLower(name), strings.ToLower(text))
	})
}

// auditRowsOf are entries as pages show them.
func (s *site) auditRowsOf(c *gin.Context, all []store.AuditEntry) ([]themes.AuditRow, error) {
	people, err := s.Store.Users(c.Request.Context())
	if err != nil {
		return nil, err
	}
	names := map[uint]string{}
	for _, u := range people {
		names[u.ID] = u.Called()
	}
	called := func(id *uint) string {
		if id == nil {
			return ""
		}
		if n, ok := names[*id]; ok {
			return n
		}
		return "#" + strconv.FormatUint(uint64(*id), 10)
	}
	l := s.words(c)
	rows := make([]themes.AuditRow, 0, len(all))
	for _, e := range all {
		what := e.Act
		if sentence, ok := did[e.Act]; ok {
			what = l.Translate(sentence)
		}
		rows = append(rows, themes.AuditRow{At: e.At, Who: called(e.UserID), Address: e.Address, What: what,
			Subject: e.Subject, Guest: e.Guest, About: called(e.About), Details: e.Details})
	}
	return rows, nil
}

// auditPage shows what people did, to administrators.
func (s *site) auditPage(c *gin.Context) {
	q, f, err := s.asked(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	page := themes.AuditPage{Layout: s.layout(c, s.words(c).Say("Audit"), s.coursesCrumb(c)), Filter: f, Days: s.AuditDays}
	values := c.Request.URL.Query()
	values.Del("before")
	page.Export = at(c, auditPath+"/export?"+values.Encode())
	s.showAudit(c, q, page, values)
}

// ownAudit shows everybody what is noted of them.
func (s *site) ownAudit(c *gin.Context) {
	before, _ := strconv.ParseUint(c.Query("before"), 10, 32)
	l := s.words(c)
	page := themes.AuditPage{Layout: s.layout(c, l.Say("What you did here"), themes.Crumb{Title: l.Say("What is kept about you"), Href: at(c, "/privacy")}),
		Own: true, Days: s.AuditDays}
	s.showAudit(c, store.AuditQuery{Users: []uint{viewer(c).ID}, Before: uint(before), Limit: auditRows + 1}, page, url.Values{})
}

func (s *site) showAudit(c *gin.Context, q store.AuditQuery, page themes.AuditPage, values url.Values) {
	all, err := s.Store.Audit(c.Request.Context(), q)
	if err != nil {
		s.fail(c, err)
		return
	}
	if len(all) > auditRows {
		all = all[:auditRows]
		values.Set("before", strconv.FormatUint(uint64(all[auditRows-1].ID), 10))
		page.Older = at(c, c.Request.URL.Path+"?"+values.Encode())
	}
	if page.Own {
		for i := range all {
			if all[i].UserID == nil || *all[i].UserID != viewer(c).ID {
				all[i].Address = "" // where others were is not theirs to know
			}
		}
	}
	if page.Rows, err = s.auditRowsOf(c, all); err != nil {
		s.fail(c, err)
		return
	}
	s.page(c, http.StatusOK, page)
}

// auditExport gives what was asked for as a table.
func (s *site) auditExport(c *gin.Context) {
	q, _, err := s.asked(c)
	q.Limit, q.Before = auditMost, 0
	var all []store.AuditEntry
	if err == nil {
		all, err = s.Store.Audit(c.Request.Context(), q)
	}
	var rows []themes.AuditRow
	if err == nil {
		rows, err = s.auditRowsOf(c, all)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Content-Type", "text/csv; charset=utf-8")
	c.Header("Content-Disposition", `attachment; filename="labmark-audit.csv"`)
	w := csv.NewWriter(c.Writer)
	_ = w.Write([]string{"at", "who", "address", "act", "subject", "guest", "about", "details"}) // the browser may go
	for i, r := range rows {
		cells := []string{r.At.UTC().Format(time.RFC3339), r.Who, r.Address, all[i].Act, r.Subject, r.Guest, r.About, r.Details}
		for j := range cells {
			cells[j] = noFormula(cells[j])
		}
		_ = w.Write(cells)
	}
	w.Flush()
}

// noFormula keeps a spreadsheet from running what a person is called.
func noFormula(text string) string {
	if strings.ContainsAny(text[:min(1, len(text))], "=+-@\t\r\n") {
		return "'" + text
	}
	return text
}
