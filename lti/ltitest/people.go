package ltitest

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Tool is one registration of a tool.
type Tool struct {
	ClientID    string   // empty: the platform gives one of its own kind
	Deployments []string // empty: one is given; launches name the first
	Name        string
	LoginURL    string   // initiate_login_uri
	LaunchURLs  []string // redirect_uris; the first is the usual target_link_uri
	KeysURL     string   // jwks_uri
	KeySet      []byte   // the tool's key set itself, instead of KeysURL
	Custom      map[string]string
	Scopes      []string // granted; nil means every scope
	// Pending tools have registered themselves and wait for an administrator:
	// they may neither launch nor ask for tokens.
	Pending bool
	// Number is Moodle's type_id, given by the platform.
	Number int
}

// Course is a context.
type Course struct {
	ID, Label, Title string
	SourcedID        string
	Number           int // the one in addresses
	roles            map[string][]string
}

// User is a person.
type User struct {
	ID            string // the sub claim
	Username      string
	Given, Family string
	Email         string
	SourcedID     string
	Withhold      Withhold
	Number        int // Canvas's own number of the user
}

// Withhold is what the platform keeps from the tool of a person.
type Withhold string

// What may be withheld.
const (
	Nothing Withhold = ""
	Email   Withhold = "email"
	Names   Withhold = "names" // and the address
)

// Name is the full name.
func (u User) Name() string { return joined(u.Given, u.Family) }

func joined(given, family string) string {
	if given == "" || family == "" {
		return given + family
	}
	return given + " " + family
}

// Link is a resource link: an activity of Moodle, an assignment or a module's
// item of Canvas.
type Link struct {
	ID, Course, Client string // ids of the link, its course, and its tool's client
	Title, Description string
	URL                string // target_link_uri; empty means the tool's
	Custom             map[string]string
	Window             bool // opens in a new window rather than embedded
	// Points are the maximum of the coupled line item. Without points Canvas
	// makes none, while Moodle makes one of 100 unless Ungraded.
	Points          float64
	Ungraded        bool
	ResourceID, Tag string // of the line item
	Available, Due  *time.Time
	AllowedAttempts int // of Canvas; 0 is unlimited
}

// AddTool registers a tool by hand, and gives it back with what was missing.
func (p *Platform) AddTool(t Tool) Tool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return *p.addTool(t)
}

func (p *Platform) addTool(t Tool) *Tool {
	t.Number = p.next()
	if p.cfg.Kind == Canvas {
		t.ClientID = cmp.Or(t.ClientID, fmt.Sprintf("1000000000%04d", t.Number))
	} else {
		t.ClientID = cmp.Or(t.ClientID, letters(15))
	}
	// An unfinished registration at Canvas has no deployment yet.
	if len(t.Deployments) == 0 && (p.cfg.Kind == Moodle || !t.Pending) {
		t.Deployments = []string{p.newDeployment(t.Number)}
	}
	p.tools = append(p.tools, &t)
	if len(p.tools) == 1 {
		p.adopt(t.ClientID)
	}
	return &t
}

// adopt gives the first tool the links that were there before it.
func (p *Platform) adopt(client string) {
	for _, l := range p.links {
		if l.Client == "" {
			l.Client = client
		}
	}
	for _, i := range p.items {
		if i.client == "" {
			i.client = client
		}
	}
}

// RemoveTool forgets a registration. Its links stay, and launch no more.
func (p *Platform) RemoveTool(client string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tools = slices.DeleteFunc(p.tools, func(t *Tool) bool { return t.ClientID == client })
}

func (p *Platform) newDeployment(number int) string {
	if p.cfg.Kind == Canvas {
		return fmt.Sprintf("%d:%s", number, randomHex(20))
	}
	return strconv.Itoa(number)
}

// Activate lets a pending tool launch.
func (p *Platform) Activate(client string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tool(client)
	if t == nil {
		return fmt.Errorf("no tool has the client id %q", client)
	}
	t.Pending = false
	if len(t.Deployments) == 0 {
		t.Deployments = []string{p.newDeployment(t.Number)}
	}
	return nil
}

// Tools are all registrations.
func (p *Platform) Tools() []Tool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return values(p.tools)
}

// AddCourse adds a course and gives it back with its ids.
func (p *Platform) AddCourse(c Course) Course {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.Number = p.next()
	c.ID = cmp.Or(c.ID, p.newID(c.Number, 20))
	c.Label = cmp.Or(c.Label, c.Title)
	c.roles = map[string][]string{}
	p.courses = append(p.courses, &c)
	return c
}

// AddUser adds a person and gives it back with its ids.
func (p *Platform) AddUser(u User) User {
	p.mu.Lock()
	defer p.mu.Unlock()
	u.Number = p.next()
	if u.ID == "" {
		u.ID = strconv.Itoa(u.Number)
		if p.cfg.Kind == Canvas {
			u.ID = newUUID()
		}
	}
	p.users = append(p.users, &u)
	return u
}

// Enrol gives a user roles in a course: "Learner", "Instructor",
// "TeachingAssistant", "ContentDeveloper". No role takes the user out.
func (p *Platform) Enrol(course, user string, roles ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.course(course); c != nil {
		c.roles[user] = roles
	}
}

// AddLink adds a resource link, with a line item coupled to it where it is
// graded, and gives it back with its id.
func (p *Platform) AddLink(l Link) Link {
	p.mu.Lock()
	defer p.mu.Unlock()
	return *p.addLink(l)
}

func (p *Platform) addLink(l Link) *Link {
	n := p.next()
	if l.ID == "" {
		l.ID = strconv.Itoa(n)
		if p.cfg.Kind == Canvas {
			l.ID = newUUID()
		}
	}
	if l.Client == "" && len(p.tools) > 0 {
		l.Client = p.tools[0].ClientID
	}
	if l.Points == 0 && p.cfg.Kind == Moodle {
		l.Points = 100
	}
	p.links = append(p.links, &l)
	if !l.Ungraded && l.Points > 0 {
		p.items = append(p.items, &lineItem{
			number: p.next(), course: l.Course, client: l.Client, link: l.ID, coupled: true,
			label: l.Title, max: l.Points, resourceID: l.ResourceID, tag: l.Tag, end: l.Due,
			cells: map[string]*cell{},
		})
	}
	return &l
}

// Links are those of a course, in order.
func (p *Platform) Links(course string) []Link {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []Link
	for _, l := range p.links {
		if l.Course == course {
			found = append(found, *l)
		}
	}
	return found
}

// Courses are all courses.
func (p *Platform) Courses() []Course {
	p.mu.Lock()
	defer p.mu.Unlock()
	return values(p.courses)
}

// Users are all users.
func (p *Platform) Users() []User {
	p.mu.Lock()
	defer p.mu.Unlock()
	return values(p.users)
}

// The finders below give nil where there is none; the caller holds the lock.

func (p *Platform) tool(client string) *Tool {
	return find(p.tools, func(t *Tool) bool { return t.ClientID == client })
}

func (p *Platform) course(id string) *Course {
	return find(p.courses, func(c *Course) bool { return c.ID == id })
}

// courseAt finds a course by the number in addresses.
func (p *Platform) courseAt(number string) *Course {
	return find(p.courses, func(c *Course) bool { return strconv.Itoa(c.Number) == number })
}

func (p *Platform) user(id string) *User {
	return find(p.users, func(u *User) bool { return u.ID == id })
}

func (p *Platform) link(id string) *Link {
	return find(p.links, func(l *Link) bool { return l.ID == id })
}

func find[T any](all []*T, is func(*T) bool) *T {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i]
	}
	return nil
}

func values[T any](all []*T) []T {
	out := make([]T, len(all))
	for i, v := range all {
		out[i] = *v
	}
	return out
}

func (p *Platform) newID(number, bytes int) string {
	if p.cfg.Kind == Canvas {
		return randomHex(bytes)
	}
	return strconv.Itoa(number)
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails, by its documentation
	return hex.EncodeToString(b)
}

func newUUID() string {
	h := randomHex(16)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// letters makes an id as Moodle's client ids look.
func letters(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}
