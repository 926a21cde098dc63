package themes

import "slices"

// asks says what to do with a question of a type.
func asks(kind string) string {
	switch kind {
	case "choice":
		return "Choose one"
	case "choices":
		return "Choose all that apply"
	case "number":
		return "Your answer, a number"
	case "order":
		return "Put these in order"
	}
	return "Your answer"
}

// left is how many answers a question still takes; 0 also where there is no
// bound.
func left(q *QuestionView) int {
	return max(0, q.MaxAttempts-q.Attempts)
}

// spent says that a question takes no more answers.
func spent(q *QuestionView) bool {
	return q.MaxAttempts > 0 && left(q) == 0
}

// chosen says that a choice is in the student's last answer.
func chosen(q *QuestionView, c ChoiceView) bool {
	return c.Chosen || slices.Contains(q.Answer, c.ID)
}

// inOrder are a question's choices as the student put them last.
func inOrder(q *QuestionView) []ChoiceView {
	place := func(c ChoiceView) int {
		if i := slices.Index(q.Answer, c.ID); i >= 0 {
			return i
		}
		return len(q.Answer)
	}
	choices := slices.Clone(q.Choices)
	slices.SortStableFunc(choices, func(a, b ChoiceView) int { return place(a) - place(b) })
	return choices
}

// machines are a page's guests, each with its state, where there are several.
func machines(p TutorialPage) []MachineView {
	if len(p.Guests) < 2 {
		return nil
	}
	views := make([]MachineView, len(p.Guests))
	for i, name := range p.Guests {
		views[i] = MachineView{Name: name, State: p.Guest.State, Generation: p.Guest.Generation}
		for _, m := range p.Guest.Machines {
			if m.Name == name {
				views[i] = m
			}
		}
	}
	return views
}

// desktopGuest is the machine that has the screen.
func desktopGuest(p TutorialPage) string {
	if p.DesktopGuest == "" {
		return p.Guests[0]
	}
	return p.DesktopGuest
}
