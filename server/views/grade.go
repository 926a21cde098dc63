package views

import (
	"fmt"

	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/words"
)

// Grade shows a grade's way to its platform. Row is nil before there was
// anything to send; graded says whether the link takes grades at all.
func Grade(p progress.Tutorial, row *store.OutboxGrade, graded bool, platform string) themes.GradeView {
	v := themes.GradeView{Points: p.Points, Of: p.Of, Platform: platform}
	switch {
	case row == nil && graded:
		v.State = "none"
	case row != nil:
		v.State, v.Why, v.SentAt = string(row.State), row.Why, row.SentAt
		switch row.State {
		case store.OutboxSending:
			v.State = "waiting"
		case store.OutboxNowhere:
			v.State = ""
		case store.OutboxWaiting:
			if row.Tries > 0 {
				next := row.NextTry
				v.NextTry = &next
			}
		}
	}
	switch days := lateDays(p); days {
	case 0:
	case 1:
		v.Late = "1 day late"
	default:
		v.Late = fmt.Sprintf("%d days late", days)
	}
	if p.Allowance.Excused {
		v.Excused = "excused"
		if p.Allowance.Reason != "" {
			v.Excused += ": " + p.Allowance.Reason
		}
	}
	if p.Override != nil && p.Override.Points != nil {
		v.Override = fmt.Sprintf("set to %g by an instructor: %s", *p.Override.Points, p.Override.Reason)
	}
	return v
}

// GradeIn says a grade's way in a language. An instructor's reasons stay as they
// are.
func GradeIn(l *words.Language, v themes.GradeView) themes.GradeView {
	for _, s := range []*string{&v.Why, &v.Late, &v.Excused, &v.Override} {
		*s = l.Translate(*s)
	}
	return v
}

// lateDays are those of the latest attempt that counts.
func lateDays(p progress.Tutorial) (days int) {
	for _, c := range p.Checks {
		days = max(days, c.LateDays)
	}
	return days
}
