package ltitest

import (
	"cmp"
	"strconv"
	"time"
)

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
