package bastion

import (
	"fmt"
	"slices"
	"strings"

	"github.com/labmark/labmark/server/guests"
)

// target is which guest a user name asks for: labmark, labmark+TUTORIAL or
// labmark+TUTORIAL.GUEST. The course may stand before the tutorial, with "/".
type target struct{ course, tutorial, guest string }

func parseTarget(user string) target {
	_, rest, _ := strings.Cut(user, "+")
	var t target
	if course, tutorial, named := strings.Cut(rest, "/"); named {
		t.course, rest = course, tutorial
	}
	t.tutorial, t.guest, _ = strings.Cut(rest, ".")
	return t
}

func (t target) means(h guests.Holding) bool {
	return (t.course == "" || t.course == h.Owner.Course) && (t.tutorial == "" || t.tutorial == h.Owner.Tutorial) &&
		(t.guest == "" || t.guest == h.Name)
}

// unclear is that no guest, or more than one, is meant. It says what to do.
type unclear string

func (u unclear) Error() string { return string(u) }

// choose finds the one guest that is meant: among those that fit the only one,
// or the only one that runs.
func (t target) choose(all []guests.Holding) (guests.Holding, error) {
	fit := slices.DeleteFunc(slices.Clone(all), func(h guests.Holding) bool { return !t.means(h) })
	running := slices.DeleteFunc(slices.Clone(fit), func(h guests.Holding) bool { return h.State != guests.Ready })
	switch {
	case len(fit) == 1:
		return fit[0], nil
	case len(running) == 1:
		return running[0], nil
	case len(fit) > 1:
		return guests.Holding{}, unclear("You have several machines. Say which one you mean:\n" + menu(fit))
	case len(all) > 0:
		return guests.Holding{}, unclear("You have no machine of that name. Yours are:\n" + menu(all))
	}
	return guests.Holding{}, unclear("You have no machine at the moment. Open a tutorial in your browser first.\n")
}

// menu lists how to ask for each guest.
func menu(all []guests.Holding) string {
	var b strings.Builder
	for _, h := range all {
		state := "runs"
		if h.State != guests.Ready {
			state = "does not run; it is started for you"
		}
		fmt.Fprintf(&b, "  %s+%s   (%s)\n", Login, nameOf(h, all), state)
	}
	return b.String()
}

// nameOf is the shortest that means one guest alone.
func nameOf(h guests.Holding, all []guests.Holding) string {
	alone := func(t target) bool {
		return !slices.ContainsFunc(all, func(other guests.Holding) bool { return other != h && t.means(other) })
	}
	for _, t := range []struct {
		target
		name string
	}{
		{target{tutorial: h.Owner.Tutorial}, h.Owner.Tutorial},
		{target{tutorial: h.Owner.Tutorial, guest: h.Name}, h.Owner.Tutorial + "." + h.Name},
		{target{course: h.Owner.Course, tutorial: h.Owner.Tutorial}, h.Owner.Course + "/" + h.Owner.Tutorial},
	} {
		if alone(t.target) {
			return t.name
		}
	}
	return h.Owner.Course + "/" + h.Owner.Tutorial + "." + h.Name
}
