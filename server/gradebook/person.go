package gradebook

import (
	"context"
	"encoding/json"
	"time"

	"github.com/labmark/labmark/server/store"
)

// The JSON form of what is kept about a person; see docs/privacy.md.
type (
	jsonPerson struct {
		User       uint            `json:"user"`
		Login      string          `json:"login"`
		Name       string          `json:"name,omitempty"`
		Given      string          `json:"givenName,omitempty"`
		Family     string          `json:"familyName,omitempty"`
		Email      string          `json:"email,omitempty"`
		Username   string          `json:"username,omitempty"`
		IDNumber   string          `json:"idNumber,omitempty"`
		Platform   *uint           `json:"platform,omitempty"`
		Subject    *string         `json:"subject,omitempty"` // at the platform
		PlatformNo string          `json:"platformNumber,omitempty"`
		Password   bool            `json:"hasPassword"` // its hash is not given out
		Admin      bool            `json:"administrator"`
		Since      time.Time       `json:"since"`
		Contexts   []jsonContext   `json:"contexts"`
		Attempts   []jsonPlaced    `json:"attempts"`
		Hints      []jsonHint      `json:"openedHints"`
		Allowances []jsonAllowance `json:"allowances"`
		Overrides  []jsonDecision  `json:"overrides"`
		Grades     []jsonSent      `json:"grades"`
		Guests     []jsonGuest     `json:"guests"`
		Setups     []jsonSetup     `json:"preparations"`
		Keys       []jsonKey       `json:"sshKeys"`
		Acts       []jsonAct       `json:"audit"` // what they did, the newest first
	}
	jsonContext struct {
		Context    uint       `json:"context"`
		Title      string     `json:"title"`
		Learner    bool       `json:"learner"`
		Instructor bool       `json:"instructor"`
		Active     bool       `json:"active"`
		LastLaunch *time.Time `json:"lastLaunch,omitempty"`
	}
	jsonWhere struct {
		Context  uint   `json:"context"`
		Course   string `json:"course"`
		Tutorial string `json:"tutorial"`
	}
	jsonPlaced struct {
		jsonWhere
		jsonAttempt
	}
	jsonHint struct {
		jsonWhere
		Hint string    `json:"hint"`
		At   time.Time `json:"at"`
	}
	jsonAllowance struct {
		jsonWhere
		Extra   float64   `json:"extraTime"` // seconds
		Excused bool      `json:"excused"`
		Reason  string    `json:"reason"`
		At      time.Time `json:"at"`
	}
	jsonDecision struct {
		jsonWhere
		Points *float64  `json:"points"` // null: taken back
		Reason string    `json:"reason"`
		At     time.Time `json:"at"`
	}
	jsonSent struct {
		Link    uint       `json:"link"`
		State   string     `json:"state"`
		Score   float64    `json:"score"` // the last that was sent
		Of      float64    `json:"of"`
		Comment string     `json:"comment"`
		SentAt  *time.Time `json:"sentAt,omitempty"`
	}
	jsonSetup struct {
		jsonWhere
		Guest   string    `json:"guest"`
		Machine string    `json:"machine"` // its name in the tutorial
		Step    string    `json:"step,omitempty"`
		File    string    `json:"file"`
		Line    int       `json:"line"`
		Verdict string    `json:"verdict"`
		Message string    `json:"message,omitempty"`
		Stdout  string    `json:"stdout,omitempty"`
		Stderr  string    `json:"stderr,omitempty"`
		Started time.Time `json:"started"`
		Ended   time.Time `json:"ended"`
	}
	jsonKey struct {
		Name string     `json:"name"`
		Key  string     `json:"key"`
		At   time.Time  `json:"at"`
		Used *time.Time `json:"lastUsed,omitempty"`
	}
	jsonAct struct {
		At      time.Time `json:"at"`
		Address string    `json:"address,omitempty"`
		Act     string    `json:"act"` // of package audit
		Subject string    `json:"subject,omitempty"`
		Guest   string    `json:"guest,omitempty"`
		Details string    `json:"details,omitempty"`
	}
	jsonGuest struct {
		ID    string    `json:"id"`
		Since time.Time `json:"since"`
	}
)

// ExportUser returns all that is kept about a user, as JSON;
// store.ErrNotFound if there is none. Output is what checks have printed: for
// whoever runs the server, not for students, because it may give answers away.
func (b Book) ExportUser(ctx context.Context, user uint, output bool) ([]byte, error) {
	p, err := b.Store.Person(ctx, user)
	if err != nil {
		return nil, err
	}
	for i := range p.Attempts {
		if a := &p.Attempts[i]; !output {
			a.Stdout, a.Stderr, a.Vars, a.Fits = "", "", "{}", 0
		}
	}
	u := p.User
	out := jsonPerson{User: u.ID, Login: u.Login, Name: u.Name, Given: u.GivenName, Family: u.FamilyName, Email: u.Email,
		Username: u.Username, IDNumber: u.SourcedID, Platform: u.PlatformID, Subject: u.Subject, PlatformNo: u.PlatformNumber,
		Password: u.PasswordHash != "", Admin: u.Admin, Since: u.CreatedAt,
		Contexts: contextsOf(p), Attempts: []jsonPlaced{}, Hints: []jsonHint{}, Allowances: []jsonAllowance{},
		Overrides: []jsonDecision{}, Grades: []jsonSent{}, Guests: []jsonGuest{}, Setups: []jsonSetup{}, Keys: []jsonKey{}, Acts: []jsonAct{}}
	for i, a := range jsonAttempts(p.Attempts) {
		from := p.Attempts[i]
		out.Attempts = append(out.Attempts, jsonPlaced{jsonWhere{from.ContextID, from.Course, from.Tutorial}, a})
	}
	for _, h := range p.Hints {
		out.Hints = append(out.Hints, jsonHint{jsonWhere{h.ContextID, h.Course, h.Tutorial}, h.Hint, h.At})
	}
	for _, a := range p.Allowances {
		out.Allowances = append(out.Allowances, jsonAllowance{jsonWhere{a.ContextID, a.Course, a.Tutorial}, a.Extra.Seconds(), a.Excused, a.Reason, a.At})
	}
	for _, o := range p.Overrides {
		out.Overrides = append(out.Overrides, jsonDecision{jsonWhere{o.ContextID, o.Course, o.Tutorial}, o.Points, o.Reason, o.At})
	}
	for _, g := range p.Grades {
		out.Grades = append(out.Grades, jsonSent{g.LinkID, g.State, g.Sent.Score, g.Sent.Max, g.Sent.Comment, g.SentAt})
	}
	for _, g := range p.Guests {
		out.Guests = append(out.Guests, jsonGuest{g.ID, g.CreatedAt})
	}
	for _, r := range p.Setups {
		s := jsonSetup{jsonWhere: jsonWhere{r.ContextID, r.Course, r.Tutorial}, Guest: r.GuestID, Machine: r.Guest, Step: r.Step,
			File: r.File, Line: r.Line, Verdict: r.Verdict, Started: r.StartedAt, Ended: r.EndedAt}
		if output {
			s.Message, s.Stdout, s.Stderr = r.Message, r.Stdout, r.Stderr
		}
		out.Setups = append(out.Setups, s)
	}
	for _, k := range p.Keys {
		out.Keys = append(out.Keys, jsonKey{k.Name, k.Line, k.CreatedAt, k.UsedAt})
	}
	for _, e := range p.Acts {
		out.Acts = append(out.Acts, jsonAct{e.At, e.Address, e.Act, e.Subject, e.Guest, e.Details})
	}
	text, err := json.MarshalIndent(out, "", "  ")
	return append(text, '\n'), err
}

func contextsOf(p store.Person) []jsonContext {
	titles := map[uint]string{}
	for _, c := range p.Contexts {
		titles[c.ID] = c.Title
	}
	out := []jsonContext{}
	for _, m := range p.Memberships {
		out = append(out, jsonContext{m.ContextID, titles[m.ContextID], m.Learner, m.Instructor, m.Active, m.LastLaunch})
	}
	return out
}
