package ltitest

// Demo fills a platform with a course "Introduction to Linux", a teacher, an
// assistant, and students who tell more or less of themselves, and adds the
// links. A link without a client belongs to the first tool, also to one that
// is registered later. Links' Course is set here.
func Demo(p *Platform, links ...Link) Course {
	course := p.AddCourse(Course{Label: "LINUX101", Title: "Introduction to Linux", SourcedID: "2026-LINUX101"})
	for _, who := range []struct {
		User
		role string
	}{
		{User{Username: "tessa", Given: "Tessa", Family: "Teacher", Email: "tessa@example.test", SourcedID: "T-001"}, "Instructor"},
		{User{Username: "tom", Given: "Tom", Family: "Assistant", Email: "tom@example.test"}, "TeachingAssistant"},
		{User{Username: "ada", Given: "Ada", Family: "Lovelace", Email: "ada@example.test", SourcedID: "S-001"}, "Learner"},
		{User{Username: "bob", Given: "Bob", Family: "O'Brien", Email: "bob@example.test", SourcedID: "S-002", Withhold: Email}, "Learner"},
		// A person may have one name only.
		{User{Username: "chen", Given: "Chen", Email: "chen@example.test", SourcedID: "S-003"}, "Learner"},
		{User{Username: "dana", Given: "Dana", Family: "Scully-Żółć", Email: "dana@example.test", SourcedID: "S-004", Withhold: Names}, "Learner"},
	} {
		u := p.AddUser(who.User)
		p.Enrol(course.ID, u.ID, who.role)
	}
	for _, l := range links {
		l.Course = course.ID
		p.AddLink(l)
	}
	return course
}
