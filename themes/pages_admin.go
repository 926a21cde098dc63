package themes

import "time"

// PlatformsPage lists the learning platforms that Labmark is registered with.
// Its form posts to AddAction the fields name, issuer, client_id, auth_url,
// token_url, keys_url, deployments and frame_origins (each separated by spaces or lines;
// frame_origins empty: the platform's own), audience.
// Registration posts nothing to RegisterAction: the server draws a new secret.
type PlatformsPage struct {
	Layout
	Platforms []PlatformView
	// Settings are what to type into Moodle by hand.
	Settings []Setting
	// Canvas is the URL of the JSON configuration.
	Canvas string
	// Register is the URL for dynamic registration, with its secret; empty
	// where none is drawn. RegisterUntil is when it ends.
	Register       string
	RegisterUntil  *time.Time
	RegisterAction string
	AddAction      string
	Add            PlatformForm // as typed before
	Error          string       // why the last form was refused
}

// Setting is one thing to type into another page.
type Setting struct{ Name, Value string }

// PlatformForm is what describes a platform, as typed.
type PlatformForm struct {
	Name, Issuer, ClientID     string
	AuthURL, TokenURL, KeysURL string
	Deployments, Audience      string
	FrameOrigins               string // of sites that show Labmark in a frame
}

// PlatformView is one platform. Its buttons post nothing to their actions; an
// empty action leaves the button out.
type PlatformView struct {
	Href, Name, Product string
	// State is "active", "pending" (registered, not yet allowed here) or "disabled".
	State            string
	Issuer, ClientID string
	Deployments      []string
	LastLaunch       *time.Time
	Courses          int // of the platform, from which there were launches
	Waiting, Refused int // grades
	Test             []TestStep
	TestedAt         *time.Time

	TestAction, ActivateAction, DisableAction, RemoveAction string
}

// TestStep is one link of the chain that a test walks.
type TestStep struct {
	// State is "pass", "fail", "unsure" or "idle" (not reached).
	State string
	Name  string // "Its keys can be read"
	Says  string // what was found, or what is wrong
	Mend  string
}

// PlatformPage is one platform: its test, its addresses, and a form that posts
// the fields of PlatformForm to SaveAction.
type PlatformPage struct {
	Layout
	PlatformView
	Form       PlatformForm
	SaveAction string
	Settings   []Setting // our addresses, to compare with
	Contexts   []PlatformContext
	Error      string
}

// PlatformContext is a course of a platform from which there were launches.
type PlatformContext struct {
	Title, Href      string
	People           int
	LastLaunch       *time.Time
	Waiting, Refused int
}

var adminPages = []Page{PlatformsPage{}, PlatformPage{}, NodesPage{}, SourcesPage{}, AuditPage{}, GuestsPage{}}

func (PlatformsPage) template() string { return "platforms" }

// Tab is the page's name among those of the administration.
func (PlatformsPage) Tab() string     { return "platforms" }
func (PlatformPage) template() string { return "platform" }
