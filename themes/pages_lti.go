package themes

import (
	"time"
)

// The pages of a launch. Those between two hops draw little and do their work
// by a script; each has a link or a button for browsers without it. They may
// stand in a frame: give the policy the platform's origin as an ancestor.

// LTIContinuePage answers a login that arrived in a frame. Its script looks
// whether the browser keeps cookies here, and then
//
//   - if it does, goes on to Redirect;
//   - if not, and there is a Store, has the platform keep the value
//     (lti.put_data of Client Side postMessages and Platform Storage 0.1) and
//     goes on to Redirect;
//   - otherwise offers a form that posts Retry to RetryTo in a new tab.
//
// Without script there is a link to Redirect. The policy's FormTargets need the
// origins that RetryTo redirects to.
type LTIContinuePage struct {
	Layout
	Redirect string // the platform's authorisation URL, with all parameters
	// Cookie is the name of a cookie that the script may set and remove to
	// find out: a name of its own, not the login's.
	Cookie   string
	Platform string              // what to call it; may be empty
	Retry    map[string][]string // the initiation's fields
	RetryTo  string              // the address of the login
	Store    *StoreView          // nil where the platform keeps nothing for tools
}

// StoreView is one value in a platform's storage.
type StoreView struct {
	Target     string // "_parent", or the name of a frame beside this one
	Origin     string // of the platform's frame: who may read and answer
	Key, Value string // Value is empty where it is to be read
}

// LTIStoragePage answers a launch whose cookie is missing. Its script reads the
// value from the platform's storage (lti.get_data) and posts the fields
// "id_token", "state" and "stored" to Action. Failing that it says what to do.
type LTIStoragePage struct {
	Layout
	Store          StoreView // without Value
	Action         string
	IDToken, State string
	Return         string // URL back to the platform; may be empty
}

// LTIReturnPage posts the field "JWT" to the platform. The policy's
// FormTargets need the origin of Action.
type LTIReturnPage struct {
	Layout
	Action string // deep_link_return_url
	JWT    string
	Say    string // what is being done, as "Adding 2 tutorials to Moodle."
}

// LTIClosePage ends dynamic registration: its script posts the message
// {subject: "org.imsglobal.lti.close"} to the window that opened it, or in
// which it stands (Dynamic Registration 1.0, section 3.5).
type LTIClosePage struct {
	Layout
	Heading string
	Message string   // what is still to be done
	Steps   []string // one by one; may be empty
}

// PickPage chooses what a deep linking request adds. Its form posts to Action:
//
//	token          Token
//	pick           a Value, once for each one that is chosen
//	points:VALUE   points that the platform shall show; a decimal number, or empty
//	from:VALUE     available from, as "2026-11-22T09:30"; or empty
//	due:VALUE      due, likewise; or empty
//	zone           IANA name of the time zone that dates are meant in
//	cancel         "1" if the second button was pressed
//
// Fields of what is not picked come too, and are to be ignored.
type PickPage struct {
	Layout
	Action   string
	Token    string
	Multiple bool // several may be picked
	CanGrade bool // the platform takes line items; else neither points nor due
	Error    string
	Courses  []PickCourse
}

// PickCourse is one course of PickPage.
type PickCourse struct {
	Title, Summary string
	Whole          *PickTutorial // the whole course as one link; nil where that is not offered
	Tutorials      []PickTutorial
}

// PickTutorial is one thing to pick.
type PickTutorial struct {
	Value          string // "COURSE/TUTORIAL", or "COURSE" for a whole one
	Title, Summary string
	Duration       time.Duration // 0 is unknown
	Checks         int
	Points         float64 // as the author gives them
	PreviewHref    string
	Picked         bool // before anybody chose, or as posted
	// PointsText, From and Due are what was posted, to be shown again after an
	// error; empty shows the author's points and no dates.
	PointsText, From, Due string
}

// PreviewPage is a tutorial as students read it, without a machine. Hints may
// have a Body although nobody opened them.
type PreviewPage struct {
	Layout
	Heading, Summary string
	Speech           string // the text's language, BCP 47
	Duration         time.Duration
	Checks           int
	Points           float64
	Steps            []Step
}

var ltiPages = []Page{LTIContinuePage{}, LTIStoragePage{}, LTIReturnPage{}, LTIClosePage{}, PickPage{}, PreviewPage{}}

func (LTIContinuePage) template() string { return "lti-continue" }
func (LTIStoragePage) template() string  { return "lti-storage" }
func (LTIReturnPage) template() string   { return "lti-return" }
func (LTIClosePage) template() string    { return "lti-close" }
func (PickPage) template() string        { return "pick" }
func (PreviewPage) template() string     { return "preview" }
