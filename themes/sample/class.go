package sample

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/labmark/labmark/themes"
)

// ClassEvents is where the sample grid's events come from.
const ClassEvents = "/teach/class/events"

var (
	given  = strings.Fields("Ada Bilal Chiara Dmitri Efua Farid Greta Hana Ivo Jana Kwame Lea Mina Nils Oluchi Petra Quentin Rosa Sami Tove Uma Vera Wei Xenia Yusuf Zoë")
	family = strings.Fields("Ansah Brandt Castillo Đorđević Eriksen Faraday Grüneberg Horváth Ionescu Jørgensen")
)

// checkTitles are the twenty checks of a long tutorial.
var checkTitles = []string{"Make a folder", "Write a note", "Copy it", "Tidy up", "Pack it all", "Find the largest file", "Count lines", "Sort and keep one of each",
	"A link that stays right", "Who owns it", "Share with a group", "A sticky folder", "Stop a program", "Start it at boot", "Read its log", "Listen on port 8080",
	"Resolve a name", "Copy over SSH", "A job for every night", "Back it all up and restore"}

// teaching is the frame of pages for those who teach.
func teaching(title, nonce string) themes.Layout {
	l := layout(title, nonce, themes.Crumb{Title: "Introduction to Linux", Href: "/teach/class"}, themes.Crumb{Title: title})
	l.Viewer = &themes.Viewer{Name: "Prof. Iris Okafor"}
	l.Class = "/teach/class"
	l.Place = &themes.Place{Platform: "Moodle of Hill School", Course: "Introduction to Linux", Role: "instructor", Return: Moodle + "/course/view.php?id=7"}
	return l
}

func links() themes.TeachLinks {
	return themes.TeachLinks{Grid: "/teach/class", Outbox: "/teach/outbox", Settings: "/teach/settings", Tutorials: []themes.Link{
		{Title: "First steps in a shell", Href: "/teach/class?first", Note: "131/140"},
		{Title: "Files and folders", Href: "/teach/class", Current: true, Note: "61/140"},
		{Title: "Who may do what", Href: "/teach/class?third", Note: "4/140"},
		{Title: "Services", Href: "/teach/class?fourth"}}}
}

// Class is a grid of students × checks: 140 × 20 in the demo.
func Class(nonce string, students, checks int) themes.ClassPage {
	p := themes.ClassPage{Layout: teaching("Files and folders", nonce), TeachLinks: links(), Heading: "Files and folders", Of: float64(checks),
		Events: ClassEvents, Roster: "The list of participants is 4 minutes old. Students who only stand there have not come yet.",
		Changes: []string{"20 Nov, 08:12 UTC: “Keep a secret” (diary-private) looks at other things now. Who had passed keeps the points."},
		Waiting: 3, Refused: 1, Overview: "61 of 140 have passed everything; due on 27 November.",
		Exports: []themes.Link{{Title: "For Moodle (CSV)", Href: "#moodle", Note: "as its grade import takes it"}, {Title: "For Canvas (CSV)", Href: "#canvas", Note: "as its gradebook takes it"},
			{Title: "Everything (CSV)", Href: "#csv"}, {Title: "Everything with evidence (JSON)", Href: "#json"}, {Title: "Common Cartridge of the course", Href: "#imscc", Note: "LTI links, to import at once"}}}
	for i := range checks {
		p.Checks = append(p.Checks, themes.ClassCheck{ID: fmt.Sprintf("c%d", i), Title: checkTitles[i%len(checkTitles)], Href: "/teach/check", Points: 1})
	}
	dice := rand.New(rand.NewPCG(1, 2))
	for i := range students {
		p.Rows = append(p.Rows, row(i, checks, dice))
	}
	slices.SortFunc(p.Rows, func(a, b themes.RowView) int { return strings.Compare(a.Name, b.Name) })
	return p
}

// row makes up one student: some are done, some under way, some never came.
func row(i, checks int, dice *rand.Rand) themes.RowView {
	r := themes.RowView{User: fmt.Sprintf("u%d", i), Name: given[i%len(given)] + " " + family[i*7%len(family)], Detail: fmt.Sprintf("s%06d", 214000+i*37)}
	if i%17 == 16 {
		return r
	}
	reach := dice.IntN(checks + checks/3)
	for c := range checks {
		cell := themes.CellView{State: "idle", Points: 1}
		if c <= reach {
			cell.Attempts = 1 + dice.IntN(4)
			cell.State = []string{"pass", "pass", "pass", "pass", "pass", "pass", "part", "fail", "unsure"}[dice.IntN(9)]
			cell.Won = map[string]float64{"pass": 1, "part": 0.5}[cell.State]
			cell.Late = dice.IntN(40) == 0
			cell.Href = "/teach/student#attempt-a4"
			r.Points += cell.Won
		}
		r.Cells = append(r.Cells, cell)
	}
	r.Href, r.Running = "/teach/student", i%6 == 0
	r.LastSeen = before(time.Duration(dice.IntN(4000)) * time.Minute)
	r.Grade = Grade("sent")
	switch i {
	case 3, 11, 40:
		r.Grade = Grade("waiting")
	case 7:
		r.Grade = Grade("refused")
	case 2:
		r.Grade.Late = "1 day late: 10 % less"
	case 5:
		r.Grade.Excused = "Ill, with a certificate"
	case 9:
		r.Grade.Override = "Set to 18: shown in the oral exam"
	}
	r.Grade.Points, r.Grade.Of = r.Points, float64(checks)
	return r
}

// Student is one student's work.
func Student(nonce string) themes.StudentPage {
	g := Grade("waiting")
	g.Points, g.Of, g.Override = 5, 6, "Set by hand"
	guest := themes.GuestView{State: "ready", Since: now.Add(-41 * time.Minute)}
	one := 1
	zero := 0
	attempt := func(id, check, title, verdict, message string, won float64, ago time.Duration, exit *int) themes.EvidenceView {
		return themes.EvidenceView{Title: title, Counts: true, Exit: exit, Took: 430 * time.Millisecond, Revision: "9f3c21", Image: "sha256:71ab", Machine: "main",
			AttemptView: themes.AttemptView{ID: id, Check: check, State: "done", Verdict: verdict, Message: message, Won: won, Points: 2, At: now.Add(-ago)}}
	}
	a := []themes.EvidenceView{
		attempt("a1", "notes", "Write a note", "fail", "There is no notes.txt in /home/student/work.", 0, 27*time.Hour, &one),
		attempt("a2", "notes", "Write a note", "pass", "notes.txt is there and says hello.", 2, 26*time.Hour, &zero),
		attempt("a3", "archive", "Pack it all", "unsure", "The machine did not answer in time. This does not count as an attempt.", 0, 3*time.Hour, nil),
		attempt("a4", "tidy", "Tidy up", "fail", "Two of the three pictures are still in Downloads.", 0.5, 2*time.Hour, &one),
	}
	a[0].Stderr = "ls: cannot access '/home/student/work/notes.txt': No such file or directory\n"
	a[1].Stdout = "-rw-r--r-- 1 student student 6 Nov 19 08:31 notes.txt\nhello <script>alert(1)</script>\n"
	a[2].Counts = false
	a[3].Stdout, a[3].StdoutCut, a[3].Note = strings.Repeat("Downloads/picture.jpg: still here\n", 30), 18231, "1 day late: 10 % less"
	return themes.StudentPage{Layout: teaching("Ada Ansah", nonce), TeachLinks: links(), Name: "Ada Ansah", Detail: "s214000 · ada@hill-school.example", Heading: "Files and folders",
		Score: themes.Score{Points: 2.5, Of: 6}, Grade: g, Checks: Checks(), Attempts: a, Guest: &guest,
		Explain: []string{"Write a note: 2 of 2, passed on 19 Nov", "Tidy up: 0.5 of 1, one day late, so 0.45", "Make a folder, Copy it, Pack it all: 0 of 3",
			"The checks give 2.45 of 6", "Set by hand to 5 by Prof. Iris Okafor: shown in the oral exam"},
		Vars:     []themes.VarView{{Name: "port", Value: "8137"}, {Name: "word", Value: "<b>kestrel</b>"}},
		Previous: &themes.Crumb{Title: "Zoë Faraday", Href: "/teach/student"}, Next: &themes.Crumb{Title: "Bilal Horváth", Href: "/teach/student"},
		OverrideAction: "/teach/student/override", RevokeAction: "/teach/student/revoke", AllowanceAction: "/teach/student/allowance",
		Overrides: []themes.OverrideView{{At: now.Add(-time.Hour), By: "Prof. Iris Okafor", Points: 5, Reason: "Shown in the oral exam", Current: true},
			{At: now.Add(-2 * time.Hour), By: "Ben Tutor", Reason: "Wrong student", Revoked: true}, {At: now.Add(-3 * time.Hour), By: "Ben Tutor", Points: 6, Reason: "Shown to me"}},
	}
}

// Check is one check over the class.
func Check(nonce string) themes.CheckPage {
	people := func(n int) (all []themes.Crumb) {
		for i := range n {
			all = append(all, themes.Crumb{Title: given[i%len(given)] + " " + family[i*7%len(family)], Href: "/teach/student#attempt-a4"})
		}
		return all
	}
	p := themes.CheckPage{Layout: teaching("Tidy up", nonce), TeachLinks: links(), Heading: "Tidy up", Tutorial: "Files and folders", Points: 1,
		Passed: 61, Partly: 14, Failed: 22, Unsure: 3, Never: 40, Attempts: 312,
		Clusters: []themes.Cluster{
			{State: "fail", Message: "NUMBER of the three pictures are still in Downloads.", Example: "Two of the three pictures are still in Downloads.", Count: 71, Students: people(31)},
			{State: "fail", Message: "There is no folder PATH.", Example: "There is no folder /home/student/Pictures.", Count: 20, Students: people(12)},
			{State: "unsure", Message: "The machine did not answer in time. This does not count as an attempt.", Count: 3, Students: people(1)},
		},
		Following: []themes.Link{{Title: "Make a folder", Href: "/teach/check"}, {Title: "Tidy up", Href: "/teach/check", Current: true}, {Title: "Pack it all", Href: "/teach/check"}}}
	for i, n := range []int{2, 0, 0, 5, 9, 14, 3, 1, 0, 12, 31, 44, 20, 6} {
		p.History = append(p.History, themes.Bar{Label: fmt.Sprintf("%d Nov", 7+i), Passed: n / 2, Failed: n - n/2, Unsure: i % 2 * (n / 10)})
	}
	return p
}

// Outbox has a grade in each state.
func Outbox(nonce string) themes.OutboxPage {
	row := func(id, who, state, err, mend string, tries int) themes.OutboxRow {
		return themes.OutboxRow{ID: id, Student: themes.Crumb{Title: who, Href: "/teach/student"}, Tutorial: themes.Crumb{Title: "Files and folders"},
			Grade: Grade(state), Tries: tries, LastError: err, Mend: mend, Since: now.Add(-50 * time.Minute)}
	}
	return themes.OutboxPage{Layout: teaching("Grades on their way", nonce), TeachLinks: links(), Action: "/teach/outbox", Sent: 412, Waiting: 2, Refused: 1,
		Rows: []themes.OutboxRow{
			row("1", "Hana Jørgensen", "refused", "422: user is not a student in this course", "See whether this person is enrolled as a student, then try again.", 1),
			row("2", "Ada Ansah", "waiting", "connection refused", "", 7),
			row("3", "Dmitri Castillo", "waiting", "503 Service Unavailable", "", 3)}}
}

// Settings is how a tutorial is graded, with the outcome of an import.
func Settings(nonce string) themes.SettingsPage {
	return themes.SettingsPage{Layout: teaching("How it is graded", nonce), TeachLinks: links(), Heading: "Files and folders", Action: "/teach/settings",
		Keep: "best", Due: before(-7 * 24 * time.Hour), Until: before(-14 * 24 * time.Hour), Penalty: 10, Weight: 1,
		Defaults: "Where nothing is set here, the course's author decides: the best attempt counts, without dates.",
		Import:   "/teach/import", Dry: true, Imported: []themes.ImportLine{
			{Line: 2, Student: "Ada Ansah", Points: "5", Accepted: true, Says: "from 2.45 to 5"},
			{Line: 3, Student: "Bilal Horváth", Points: "3", Accepted: true, Says: "as it was"},
			{Line: 4, Student: "s999999", Points: "=1+1", Says: "nobody here has this number; and “=1+1” is no number. Write points as 4.5"}}}
}
