package lti

import (
	"slices"
	"strings"
	"time"
)

// MessageType is the message_type claim (LTI Core 1.3, section 5.3.1).
type MessageType string

// The messages that this tool takes.
const (
	ResourceLinkRequest     MessageType = "LtiResourceLinkRequest"
	DeepLinkingRequest      MessageType = "LtiDeepLinkingRequest"
	SubmissionReviewRequest MessageType = "LtiSubmissionReviewRequest"
	DataPrivacyRequest      MessageType = "DataPrivacyLaunchRequest"
)

// Message is a launch whose token has been verified. Texts come from the
// platform: they are bounded in length, and to be escaped when shown.
type Message struct {
	Platform   Platform
	Type       MessageType
	Deployment string
	TargetLink string // target_link_uri
	IssuedAt   time.Time

	User User
	// ForUser is whom a submission review or a data privacy launch is about.
	ForUser *User

	Roles   []Role
	Context *Context      // nil where the launch has none
	Link    *ResourceLink // nil for deep linking and data privacy
	// Custom are the custom parameters. Variables that the platform did not
	// know ("$Some.Variable") have been left out.
	Custom map[string]string

	Return       string // launch_presentation.return_url; may be empty
	Target       string // document_target: "iframe", "frame", "window" or empty
	Locale       string // BCP 47; may be empty
	Product      string // tool_platform.product_family_code
	Installation string // tool_platform.name, for people

	Grades  *GradeService    // nil where the platform offers none here
	Roster  *RosterService   // nil where the platform offers none here
	Linking *LinkingSettings // nil but for deep linking

	// Storage is the lti_storage_target of the login; empty where the
	// platform has no storage for tools.
	Storage string
}

// User is a person as the platform tells. Everything but Subject may be empty.
type User struct {
	// Subject is the sub claim or user_id: unique within the platform's issuer only.
	Subject             string
	Name, Given, Family string
	Email               string // never to join accounts by
	Username            string // login at the platform
	SourcedID           string // the institution's number of the person
	PlatformID          string // the platform's own number, where its exports use that
}

// Context is a course of the platform.
type Context struct {
	ID, Label, Title string
	SourcedID        string // of the section
}

// ResourceLink is one placement of the tool in a context.
type ResourceLink struct{ ID, Title, Description string }

// GradeService is the AGS endpoint claim (AGS 2.0, section 3.1).
type GradeService struct {
	Scopes    []string
	LineItems string // URL of the context's line items; may be empty
	LineItem  string // URL of the one that belongs to this link; may be empty
}

// May says whether a scope was granted.
func (g *GradeService) May(scope string) bool { return g != nil && slices.Contains(g.Scopes, scope) }

// RosterService is the names and role provisioning claim (NRPS 2.0, section 3.6.1).
type RosterService struct{ Memberships string }

// LinkingSettings are those of a deep linking request (Deep Linking 2.0, section 4.4).
type LinkingSettings struct {
	ReturnURL string
	Types     []string // accept_types
	Multiple  bool
	LineItems bool   // accept_lineitem; true where not said
	Data      string // to be sent back unchanged
	Title     string
}

// Role is a role URI, or a bare name as some platforms send.
type Role string

// is compares the last part of a role's URI within the namespaces that matter
// for a course. Institution and system roles say nothing of this course.
func (r Role) is(names ...string) bool {
	s := string(r)
	if strings.Contains(s, "/institution/") || strings.Contains(s, "/system/") ||
		strings.HasPrefix(s, "urn:lti:instrole:") || strings.HasPrefix(s, "urn:lti:sysrole:") {
		return false
	}
	if strings.Contains(s, "/membership/Learner#") {
		s = "Learner" // of any kind: one of them is called Instructor
	}
	if i := strings.LastIndexAny(s, "#/"); i >= 0 {
		s = s[i+1:]
	}
	return slices.Contains(names, s)
}

// IsInstructor is true for those who teach or grade in a context.
func IsInstructor(roles []Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool {
		return r.is("Instructor", "TeachingAssistant", "ContentDeveloper", "Administrator", "Grader", "PrimaryInstructor", "Lecturer")
	})
}

// IsLearner is true for those who get grades in a context. A person may be
// both; who teaches here is not graded.
func IsLearner(roles []Role) bool {
	return !IsInstructor(roles) && slices.ContainsFunc(roles, func(r Role) bool {
		return r.is("Learner", "Student", "NonCreditLearner", "GuestLearner")
	})
}
