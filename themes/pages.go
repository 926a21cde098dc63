package themes

import (
	"slices"
	"time"

	"github.com/labmark/labmark/themes/words"
)

// The types below are what pages show: plain data, filled by the server.
// Templates reach nothing else, so what is not in them can't leak.

// Page is anything that Render can draw.
type Page interface {
	// template names the template file, without ".html".
	template() string
	// speaks is the language of the interface, as Layout's.
	speaks() string
}

// Layout is what every page shares. Embed it first.
type Layout struct {
	Title    string // of the page; the site's name is added
	Language string // of the interface, BCP 47; empty means "en"
	Nonce    string // the Content-Security-Policy nonce of this response
	Style    string // address of the course's own style sheet; may be empty
	Viewer   *Viewer
	Crumbs   []Crumb // from the top down; the page itself is last
	// Flash is a message for this one page view; may be empty.
	Flash string
	// Menu are the languages of the interface, to choose from; none where the
	// page has a menu of its own or nothing to choose.
	Menu []LanguageChoice
	// Base is the prefix of this session's addresses: empty, or a path as
	// "/at/KEY" without "/" at its end. Templates put it before the addresses
	// that they write themselves (/, /progress, /login, /logout), but not
	// before /assets/. Addresses in a page's data come complete.
	Base string
	// Place is where a session that a learning platform began belongs to;
	// nil for one that began at the sign-in page.
	Place *Place
	// Class is the address of the class's grid, for those who teach; Admin of
	// the administrator's pages. Empty for everybody else.
	Class, Admin string
	// Author is set in "labmark preview" only.
	Author *AuthorView
	// Popout is the address of this page in a window of its own; empty where
	// there is none. Only embedded pages offer it.
	Popout string
}

func (l Layout) speaks() string { return words.In(l.Language).Tag }

// Speaks is the tag for <html lang>: the language that the interface is in,
// which need not be the one wished for.
func (l Layout) Speaks() string { return l.speaks() }

// AuthorView is what the preview of a course adds to each page.
type AuthorView struct {
	Student  uint   // who the author is at the moment
	Revision string // of the course as the page shows it; empty if there is none
}

// Place says where in the world one is.
type Place struct {
	Platform string // "Moodle of Hill School"
	Course   string // the context's title there
	Role     string // in words: "student", "instructor"; may be empty
	Return   string // URL back to the platform; may be empty
	Embedded bool   // shown in a frame of the platform's pages
	// Origin of the platform's pages. Embedded pages tell their height to it
	// alone, by lti.frameResize; empty for a platform that does not listen.
	Origin string
}

// Viewer is who looks at the page; nil where nobody is signed in.
type Viewer struct {
	Name string
}

// Crumb is one step of the path to a page. The last has no Href.
type Crumb struct{ Title, Href string }

// LoginPage asks who one is. Its form posts "login", "password" and "next" to
// /login; the demo's posts "next" to /login/demo. Every page of somebody who
// is signed in has a form that posts nothing to /logout, and links to / (the
// courses) and /progress.
type LoginPage struct {
	Layout
	Login string // as typed before; may be empty
	Error string // why the last try failed; may be empty
	Next  string // where to go afterwards: a path on this site
	Demo  bool   // offer the demo login
	// PretendLMS is the address of a pretend learning platform to launch
	// from; empty where there is none.
	PretendLMS string
}

// CoursesPage lists the courses.
type CoursesPage struct {
	Layout
	Courses []CourseCard
}

// CourseCard is one course in a list.
type CourseCard struct {
	Href, Title, Summary string
	Tutorials            int
	Score                Score
}

// CoursePage lists a course's tutorials.
type CoursePage struct {
	Layout
	Spoken
	Heading, Summary string
	Tutorials        []TutorialCard
	Score            Score
}

// TutorialCard is one tutorial in a list.
type TutorialCard struct {
	Href, Title, Summary string
	Speech               string        // as of Spoken
	Duration             time.Duration // 0 is unknown
	Checks               int
	Score                Score
	GuestRunning         bool
	Rules                []string // as of TutorialPage
}

// Score is points won of points to be had. It is also the payload of the
// "score" event.
type Score struct {
	Points float64 `json:"points"`
	Of     float64 `json:"of"`
}

// ProgressPage is "my progress".
type ProgressPage struct {
	Layout
	Courses []CourseProgress
	Recent  []RecentAttempt
}

// CourseProgress is one course of ProgressPage.
type CourseProgress struct {
	Href, Title string
	Score       Score
	Tutorials   []TutorialProgress
}

// TutorialProgress is one tutorial of CourseProgress.
type TutorialProgress struct {
	Href, Title string
	Score       Score
	Checks      []CheckView
	Grade       *GradeView // nil where none is sent
	Rules       []string   // as of TutorialPage
}

// RecentAttempt is one line of the history, newest first.
type RecentAttempt struct {
	Tutorial, TutorialHref string
	Title                  string // of the check; empty shows its ID
	AttemptView
}

// ErrorPage says what went wrong and what to do. It answers refused launches
// too.
type ErrorPage struct {
	Layout
	Status  int
	Message string
	Mend    string
	// Detail is a code to tell whoever looks after this server, who finds it
	// in the log; may be empty.
	Detail string
	// Return is a URL back to the platform; may be empty.
	Return string
}

// allPages has one of each page.
var allPages = slices.Concat(
	[]Page{LoginPage{}, CoursesPage{}, CoursePage{}, TutorialPage{}, ProgressPage{}, ErrorPage{}},
	ltiPages, classPages, adminPages, []Page{PrivacyPage{}, ProfilePage{}, FilesPage{}})

func (LoginPage) template() string    { return "login" }
func (CoursesPage) template() string  { return "courses" }
func (CoursePage) template() string   { return "course" }
func (TutorialPage) template() string { return "tutorial" }
func (ProgressPage) template() string { return "progress" }
func (ErrorPage) template() string    { return "error" }
