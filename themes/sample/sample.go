// Package sample has one of each page filled with plausible data: for the
// tests of themes, and for looking at pages without a server.
package sample

import (
	"time"

	"github.com/labmark/labmark/themes"
)

// API is where the sample tutorial's requests go.
const API = "/api/courses/linux-essentials/files"

// now is fixed, so that screenshots can be compared.
var now = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)

// layout is what all pages of a student share.
func layout(title, nonce string, crumbs ...themes.Crumb) themes.Layout {
	return themes.Layout{
		Title: title, Language: "en", Nonce: nonce,
		Viewer: &themes.Viewer{Name: "Ann Example"}, Crumbs: crumbs,
	}
}

// Login is the sign-in page, with the message of a try that failed if failed.
func Login(nonce string, failed bool) themes.LoginPage {
	p := themes.LoginPage{Layout: themes.Layout{Title: "Sign in", Nonce: nonce}, Demo: true, Next: "/", PretendLMS: "/pretend"}
	if failed {
		p.Login = "ann"
		p.Error = "That name and password do not go together. Try again, or ask your teacher."
	}
	return p
}

// Courses lists three courses.
func Courses(nonce string) themes.CoursesPage {
	return themes.CoursesPage{
		Layout: layout("Courses", nonce),
		Courses: []themes.CourseCard{
			{Href: "/courses/linux-essentials", Title: "Linux essentials", Tutorials: 4,
				Summary: "Find your way in a shell: files and folders, users and permissions, services and the network.",
				Score:   themes.Score{Points: 7, Of: 20}},
			{Href: "/courses/web-server", Title: "Run a web server", Tutorials: 3,
				Summary: "From an empty machine to a site that answers.",
				Score:   themes.Score{Points: 12, Of: 12}},
			{Href: "/courses/firewalls", Title: "Firewalls", Tutorials: 5,
				Summary: "Decide what may come in. Lock yourself out without harm, and get back.",
				Score:   themes.Score{Of: 25}},
		},
	}
}

// Course is one course half done.
func Course(nonce string) themes.CoursePage {
	return themes.CoursePage{
		Layout:  layout("Linux essentials", nonce, themes.Crumb{Title: "Courses", Href: "/"}, themes.Crumb{Title: "Linux essentials"}),
		Heading: "Linux essentials",
		Summary: "Find your way in a shell: files and folders, users and permissions, services and the network.",
		Score:   themes.Score{Points: 7, Of: 20},
		Tutorials: []themes.TutorialCard{
			{Href: "/courses/linux-essentials/first-steps", Title: "First steps in a shell", Summary: "Say something, look around, ask for help.",
				Duration: 15 * time.Minute, Checks: 4, Score: themes.Score{Points: 5, Of: 5}},
			{Href: "/courses/linux-essentials/files", Title: "Files and folders", Summary: "Make them, move them, find them again.",
				Duration: 25 * time.Minute, Checks: 5, Score: themes.Score{Points: 2, Of: 6}, GuestRunning: true},
			{Href: "/courses/linux-essentials/permissions", Title: "Who may do what", Summary: "Owners, groups, and the bits that decide.",
				Duration: 30 * time.Minute, Checks: 5, Score: themes.Score{Of: 6}},
			{Href: "/courses/linux-essentials/services", Title: "Services", Summary: "Programs that run while nobody looks.",
				Duration: 90 * time.Minute, Checks: 1, Score: themes.Score{Of: 3}},
		},
	}
}

// Progress shows two courses and the latest attempts.
func Progress(nonce string) themes.ProgressPage {
	attempt := func(check, verdict, message string, won, of float64, before time.Duration) themes.RecentAttempt {
		return themes.RecentAttempt{Tutorial: "Files and folders", TutorialHref: "/courses/linux-essentials/files",
			AttemptView: themes.AttemptView{ID: check, Check: check, State: "done", Verdict: verdict, Message: message, Won: won, Points: of, At: now.Add(-before)}}
	}
	return themes.ProgressPage{
		Layout: layout("My progress", nonce, themes.Crumb{Title: "Courses", Href: "/"}, themes.Crumb{Title: "My progress"}),
		Courses: []themes.CourseProgress{{
			Href: "/courses/linux-essentials", Title: "Linux essentials", Score: themes.Score{Points: 7, Of: 20},
			Tutorials: []themes.TutorialProgress{
				{Href: "/courses/linux-essentials/first-steps", Title: "First steps in a shell", Score: themes.Score{Points: 5, Of: 5},
					Checks: []themes.CheckView{{ID: "hello", Title: "Say hello", Points: 2, Won: 2}, {ID: "look", Title: "Look around", Points: 3, Won: 3}}},
				{Href: "/courses/linux-essentials/files", Title: "Files and folders", Score: themes.Score{Points: 2, Of: 6}, Checks: Checks()},
				{Href: "/courses/linux-essentials/permissions", Title: "Who may do what", Score: themes.Score{Of: 6}},
			},
		}},
		Recent: []themes.RecentAttempt{
			attempt("tidy", "fail", "Two of the three pictures are still in Downloads.", 0.5, 1, 2*time.Minute),
			attempt("notes", "pass", "notes.txt is there and says hello.", 2, 2, 9*time.Minute),
			attempt("archive", "unsure", "The machine was switched off. This does not count.", 0, 1, 26*time.Hour),
			attempt("notes", "fail", "There is no notes.txt in /home/student/work.", 0, 2, 27*time.Hour),
		},
	}
}

// Error is the page for an address that leads nowhere.
func Error(nonce string) themes.ErrorPage {
	return themes.ErrorPage{Layout: layout("Not found", nonce), Status: 404,
		Message: "There is no such page", Mend: "The address may be mistyped, or the course was renamed."}
}
