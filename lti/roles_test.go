package lti

import "testing"

func TestRolesSayWhoTeachesHere(t *testing.T) {
	const v2 = "http://purl.imsglobal.org/vocab/lis/v2/"
	for role, want := range map[Role]struct{ teaches, learns bool }{
		"Instructor":                 {true, false},
		"Learner":                    {false, true},
		v2 + "membership#Instructor": {true, false},
		v2 + "membership/Instructor#TeachingAssistant": {true, false},
		v2 + "membership#Learner":                      {false, true},
		v2 + "membership/Learner#GuestLearner":         {false, true},
		// A learner who helps others. This is a sub-role of learners.
		v2 + "membership/Learner#Instructor":    {false, true},
		v2 + "membership#Mentor":                {},
		v2 + "institution/person#Instructor":    {},
		v2 + "system/person#Administrator":      {},
		"urn:lti:instrole:ims/lis/Instructor":   {},
		"urn:lti:sysrole:ims/lis/Administrator": {},
		"urn:lti:role:ims/lis/Instructor":       {true, false},
	} {
		if got := IsInstructor([]Role{role}); got != want.teaches {
			t.Errorf("%s teaches: %v", role, got)
		}
		if got := IsLearner([]Role{role}); got != want.learns {
			t.Errorf("%s learns: %v", role, got)
		}
	}
	if both := []Role{"Learner", "Instructor"}; !IsInstructor(both) || IsLearner(both) {
		t.Error("who teaches here is graded")
	}
}
