package sample

import (
	"time"

	"github.com/labmark/labmark/themes"
)

// Moodle is where the sample's launches come from.
const Moodle = "https://moodle.hill-school.example"

// Launched puts a page's frame into a session that a platform began; framed by
// pages of origin, unless that is empty.
func Launched(l themes.Layout, origin string) themes.Layout {
	l.Base = "/at/7Q2XK"
	l.Viewer = &themes.Viewer{Name: "Ada Ansah"}
	l.Place = &themes.Place{Platform: "Moodle of Hill School", Course: "Introduction to Linux", Role: "student",
		Return: Moodle + "/course/view.php?id=7", Embedded: origin != "", Origin: origin}
	l.Popout = "/at/7Q2XK/popout"
	for i, c := range l.Crumbs {
		if c.Href != "" {
			l.Crumbs[i].Href = l.Base + c.Href
		}
	}
	return l
}

// Grade is a grade in one of its states.
func Grade(state string) themes.GradeView {
	g := themes.GradeView{State: state, Points: 7, Of: 10, Platform: "Moodle"}
	switch state {
	case "sent":
		g.SentAt = before(3 * time.Minute)
	case "waiting":
		g.Why, g.NextTry = "Moodle does not answer", before(-2*time.Minute)
	case "refused":
		g.Why = "Moodle knows no such student in this course"
	}
	return g
}

func before(d time.Duration) *time.Time {
	t := now.Add(-d)
	return &t
}

// Embedded is the tutorial as a student meets it inside a platform.
func Embedded(nonce, origin string, guest themes.GuestView) themes.TutorialPage {
	p := Tutorial(nonce, guest)
	p.Layout = Launched(p.Layout, origin)
	g := Grade("waiting")
	g.Late = "2 days late: 20 % less."
	p.Grade = &g
	p.Rules = []string{"Due 18 Nov 2026, 09:30 UTC; 10 % less for each day late; nothing counts after 30 Nov."}
	return p
}

// bare is the frame of a page between two hops.
func bare(title, nonce string) themes.Layout { return themes.Layout{Title: title, Nonce: nonce} }

// Continue answers a login in a frame. Store is nil where the platform keeps nothing.
func Continue(nonce string, store *themes.StoreView) themes.LTIContinuePage {
	return themes.LTIContinuePage{Layout: bare("Opening your lab", nonce), Redirect: "/lti/went-on?state=s.t&nonce=n", Cookie: "labmark-probe",
		Platform: "Moodle", Retry: map[string][]string{"iss": {Moodle}, "login_hint": {"4"}, "lti_message_hint": {`{"cmid":7}`}}, RetryTo: "/lti/login", Store: store}
}

// Storage answers a launch without a cookie.
func Storage(nonce string, store themes.StoreView) themes.LTIStoragePage {
	return themes.LTIStoragePage{Layout: bare("Opening your lab", nonce), Store: store, Action: "/lti/launch",
		IDToken: "ey.token", State: "s.t", Return: Moodle + "/course/view.php?id=7"}
}

// Return goes back from deep linking.
func Return(nonce, action string) themes.LTIReturnPage {
	return themes.LTIReturnPage{Layout: bare("Back to your course", nonce), Action: action, JWT: "ey.answer", Say: "Adding 2 tutorials to Moodle"}
}

// Close ends dynamic registration.
func Close(nonce string) themes.LTIClosePage {
	return themes.LTIClosePage{Layout: bare("Registered", nonce), Heading: "Labmark is registered", Message: "Two things are left to do:",
		Steps: []string{"In Moodle, press “Activate” on Labmark's card.", "In Labmark, open Administration and activate “Moodle of Hill School”."}}
}

// Refused is a launch that was refused.
func Refused(nonce string) themes.ErrorPage {
	return themes.ErrorPage{Layout: bare("This link was used before", nonce), Status: 403, Message: "This link was used before",
		Mend:   "For your safety, each launch works once. Go back to your course and open the lab again.",
		Detail: "state-used K7Q2", Return: Moodle + "/course/view.php?id=7"}
}

// Pick chooses tutorials.
func Pick(nonce string, multiple bool) themes.PickPage {
	l := teaching("Choose tutorials", nonce)
	l.Crumbs = nil
	one := func(value, title, summary string, d time.Duration, checks int, points float64) themes.PickTutorial {
		return themes.PickTutorial{Value: value, Title: title, Summary: summary, Duration: d, Checks: checks, Points: points, PreviewHref: "/teach/preview"}
	}
	whole := one("linux-essentials", "Linux essentials", "", 0, 15, 20)
	whole.PreviewHref = ""
	return themes.PickPage{Layout: l, Action: "/lti/pick", Token: "t0ken", Multiple: multiple, CanGrade: true, Courses: []themes.PickCourse{
		{Title: "Linux essentials", Summary: "Find your way in a shell.", Whole: &whole, Tutorials: []themes.PickTutorial{
			one("linux-essentials/first-steps", "First steps in a shell", "Say something, look around, ask for help.", 15*time.Minute, 4, 5),
			one("linux-essentials/files", "Files and folders", "Make them, move them, find them again.", 25*time.Minute, 5, 6),
			one("linux-essentials/permissions", "Who may do what", "Owners, groups, and the bits that decide.", 30*time.Minute, 5, 6),
			one("linux-essentials/services", "Services", "Programs that run while nobody looks.", 90*time.Minute, 1, 3)}},
		{Title: "Firewalls", Tutorials: []themes.PickTutorial{
			one("firewalls/first-rules", "The first rules", "Decide what may come in.", 40*time.Minute, 6, 10)}},
	}}
}

// Preview is a tutorial without a machine.
func Preview(nonce string) themes.PreviewPage {
	t := Tutorial(nonce, themes.GuestView{})
	for _, s := range t.Steps {
		for _, p := range s.Body {
			if p.Hint != nil {
				p.Hint.Body = []themes.Part{html(HintHTML)}
			}
		}
	}
	return themes.PreviewPage{Layout: teaching("Files and folders", nonce), Heading: t.Heading, Summary: t.Summary, Duration: t.Duration, Checks: 5, Points: 6, Steps: t.Steps}
}

// Privacy is what a data privacy launch shows.
func Privacy(nonce string) themes.PrivacyPage {
	return themes.PrivacyPage{Layout: Launched(layout("What is kept about you", nonce), ""), Export: "/at/7Q2XK/privacy/export"}
}
