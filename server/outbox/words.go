package outbox

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labmark/labmark/lti"
)

// why says to people why a grade is not at the platform.
func why(err error) string {
	var e *lti.ServiceError
	switch {
	case errors.Is(err, lti.ErrScope):
		return "The platform does not let Labmark do this (" + opOf(err) + "). Its administrator can: labmark platform test says how."
	case !errors.As(err, &e):
		return sentence(err)
	}
	switch kind := e.Kind(); {
	case kind == lti.Stale:
		return "The platform has a grade of a later time, and does not take this one."
	case kind == lti.Gone && e.Op == lti.OpScore:
		return "The column in the platform's gradebook is gone."
	case kind == lti.Gone:
		return fmt.Sprintf("The platform does not know this course, or has closed it (%d).", e.Status)
	case e.Status == http.StatusForbidden && kind == lti.Refused:
		return "The platform does not allow this (" + e.Op + ")."
	case kind == lti.Refused && e.Op == lti.OpScore:
		return fmt.Sprintf("The platform refuses the grade (%d). Is this person still a student of the course there?", e.Status)
	case kind == lti.Refused:
		return fmt.Sprintf("The platform refuses (%s, %d).", e.Op, e.Status)
	case e.Status == 0:
		return "The platform does not answer."
	case e.Status == http.StatusTooManyRequests:
		return "The platform asks for a pause."
	case e.Status >= 500:
		return fmt.Sprintf("The platform is in trouble (%d).", e.Status)
	case e.Op == lti.OpToken, e.Status == http.StatusUnauthorized:
		return "The platform does not accept Labmark's sign-in just now. If it stays so, labmark platform test says why."
	}
	return fmt.Sprintf("The platform's answer can't be understood (%s, %d).", e.Op, e.Status)
}

func opOf(err error) string {
	var e *lti.ServiceError
	if errors.As(err, &e) {
		return e.Op
	}
	return "send grades"
}

// sentence makes one of an error.
func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
