package ltitest

import "fmt"

// The messages (LTI Core 1.3 section 5.3.1, Deep Linking 2.0, Submission
// Review 1.0, Data Privacy Launch).
const (
	ResourceLink     = "LtiResourceLinkRequest"
	DeepLinking      = "LtiDeepLinkingRequest"
	SubmissionReview = "LtiSubmissionReviewRequest"
	DataPrivacy      = "DataPrivacyLaunchRequest"
)

// Message says which launch is meant.
type Message struct {
	Type string // empty means ResourceLink
	User string // who launches
	Link string // for ResourceLink and SubmissionReview
	// Course and Client are needed where there is no link. Client may be empty
	// where the platform has one tool.
	Course, Client string
	// ForUser is whom a review or a data privacy launch is about.
	ForUser string
	// Single is a deep linking that takes one graded item: Canvas's
	// assignment_selection. Moodle always takes many.
	Single bool
	// Window tells that it opens in a window of its own, whatever the link says.
	Window bool
}

// parties are whom a message is about. The caller of resolve holds the lock.
type parties struct {
	Message
	user, forUser *User
	link          *Link
	course        *Course
	tool          *Tool
	item          *lineItem
}

func (p *Platform) resolve(m Message) (parties, error) {
	if m.Type == "" {
		m.Type = ResourceLink
	}
	who := parties{Message: m, user: p.user(m.User), forUser: p.user(m.ForUser)}
	if m.Link != "" {
		if who.link = p.link(m.Link); who.link == nil {
			return who, fmt.Errorf("no resource link %q", m.Link)
		}
		m.Course, m.Client = who.link.Course, who.link.Client
		who.item = p.coupled(m.Link)
	}
	if m.Client == "" && len(p.tools) > 0 {
		m.Client = p.tools[0].ClientID
	}
	who.course, who.tool = p.course(m.Course), p.tool(m.Client)
	switch {
	case who.user == nil:
		return who, fmt.Errorf("no user %q", m.User)
	case who.tool == nil:
		return who, fmt.Errorf("no tool with the client id %q: add one with AddTool", m.Client)
	case who.tool.Pending || len(who.tool.Deployments) == 0:
		return who, fmt.Errorf("the tool %q waits for an administrator to activate it", who.tool.Name)
	case who.course == nil && m.Type != DataPrivacy:
		return who, fmt.Errorf("no course %q", m.Course)
	case who.link == nil && (m.Type == ResourceLink || m.Type == SubmissionReview):
		return who, fmt.Errorf("a %s needs a link", m.Type)
	case who.forUser == nil && m.Type == SubmissionReview:
		return who, fmt.Errorf("no user %q to review", m.ForUser)
	}
	who.Message = m
	return who, nil
}

// window tells whether the message opens in a window of its own.
func (w parties) window() bool { return w.Window || w.link != nil && w.link.Window }
