package views

import (
	"slices"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

// question shows a question's form, with what the student answered last. Which
// answers are right is not in it.
func (s Student) question(id string) *themes.QuestionView {
	c := s.find(id)
	if c == nil || c.Question == nil {
		return nil
	}
	p := s.Progress.Checks[id]
	v := &themes.QuestionView{CheckView: s.view(c), Type: c.Question.Type,
		MaxAttempts: c.Question.MaxAttempts, Cost: c.Question.Cost}
	if p.Last != nil {
		v.Answer, v.Feedback = p.Last.Answered(), s.Feedback(*p.Last)
	}
	choices := c.Question.Choices
	if s.Choices != nil {
		choices = s.Choices(id) // of the original, whose words may be others
	}
	for _, choice := range choices {
		if i := slices.IndexFunc(c.Question.Choices, func(o content.Choice) bool { return o.ID == choice.ID }); i >= 0 {
			choice = c.Question.Choices[i]
		}
		v.Choices = append(v.Choices, themes.ChoiceView{ID: choice.ID, Body: s.Body(choice.Body), Chosen: slices.Contains(v.Answer, choice.ID)})
	}
	return v
}

// Feedback belongs to what was answered in an attempt; none where the question
// has changed since.
func (s Student) Feedback(a store.Attempt) []themes.Part {
	c, answer := s.find(a.Check), a.Answered()
	if c == nil || c.Question == nil || answer == nil || c.Question.Accepts(answer) != nil {
		return nil
	}
	var parts []themes.Part
	for _, body := range c.Question.Judge(answer, s.Values).Feedback {
		parts = append(parts, s.Body(body)...)
	}
	return parts
}
