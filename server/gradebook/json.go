package gradebook

import (
	"context"
	"encoding/json"
	"io"

	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes/words"
)

// exportJSON writes one object. Students are written one after the other, for
// their evidence may be large.
func (b Book) exportJSON(ctx context.Context, w io.Writer, s sheet, contextID uint) error {
	places := s.places()
	tutorials := make([]jsonTutorial, 0, len(places))
	for _, p := range places {
		tutorials = append(tutorials, s.describe(p))
	}
	head, err := json.Marshal(tutorials)
	if err != nil {
		return err
	}
	title, err := json.Marshal(s.context.Title)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, `{"context":`+exact(float64(contextID))+`,"title":`+string(title)+
		`,"tutorials":`+string(head)+`,"students":[`); err != nil {
		return err
	}
	for i, m := range s.students {
		student, err := b.describe(ctx, s, contextID, m, places)
		if err != nil {
			return err
		}
		text, err := json.Marshal(student)
		if err != nil {
			return err
		}
		if i > 0 {
			text = append([]byte(","), text...)
		}
		if _, err := w.Write(append([]byte("\n"), text...)); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "\n]}\n")
	return err
}

func (s sheet) describe(p place) jsonTutorial {
	policy := progress.Settings(*s.work[0], p.course, p.tutorial)
	out := jsonTutorial{Course: p.course.ID, Tutorial: p.tutorial.ID, Title: p.tutorial.Title, Keep: string(policy.Keep),
		Due: policy.Due, Until: policy.Until, Penalty: policy.Penalty, Weight: policy.Weight, Checks: []jsonCheck{}}
	for _, c := range p.tutorial.Checks {
		out.Of += c.Points
		out.Checks = append(out.Checks, jsonCheck{c.ID, c.Points, c.Sticky})
	}
	return out
}

func (b Book) describe(ctx context.Context, s sheet, contextID uint, m store.Member, places []place) (jsonStudent, error) {
	out := jsonStudent{User: m.User.ID, Name: m.Called(), IDNumber: m.SourcedID, Username: username(m.User), Email: m.Email,
		Active: m.Active, Standings: []jsonStand{}}
	for _, p := range places {
		list, err := b.attempts(ctx, contextID, m.User.ID, p)
		if err != nil {
			return out, err
		}
		now := s.work.of(m.User.ID, p.course, p.tutorial)
		stand := jsonStand{Course: p.course.ID, Tutorial: p.tutorial.ID, Points: now.Points, Of: now.Of, Earned: now.Earned,
			Extra: now.Allowance.Extra.Seconds(), Excused: now.Allowance.Excused, Explain: now.Explain(words.In(words.Source), p.tutorial),
			Checks: []jsonCheckNow{}, Attempts: jsonAttempts(list)}
		if o := now.Override; o != nil {
			stand.Override = &jsonOverride{now.Points, o.Reason, o.By, o.At}
		}
		for _, c := range p.tutorial.Checks {
			n := now.Checks[c.ID]
			line := jsonCheckNow{ID: c.ID, Points: n.Points, Attempts: n.Attempts, Passed: n.Passed}
			if n.Counts != nil {
				line.Counts = n.Counts.ID
			}
			stand.Checks = append(stand.Checks, line)
		}
		out.Standings = append(out.Standings, stand)
	}
	return out, nil
}
