package web

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/lms"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

// linking is the deep linking request that the viewer's session answers, or
// nil after an error page.
func (s *site) linking(c *gin.Context) *lti.Message {
	in := seat(c).launch
	switch {
	case in == nil || in.Linking == nil:
		s.fail(c, errNoPage)
	case !lti.IsInstructor(in.Linking.Roles), in.Context != 0 && !in.membership.Instructor: // who is one no more
		s.fail(c, errTeachers)
	default:
		return in.Linking
	}
	return nil
}

func (s *site) pickPage(c *gin.Context) {
	if m := s.linking(c); m != nil {
		s.page(c, http.StatusOK, s.picking(c, m, ""))
	}
}

func (s *site) picking(c *gin.Context, m *lti.Message, problem string) themes.PickPage {
	return themes.PickPage{Layout: s.layout(c, s.words(c).Say("Choose tutorials")), Action: at(c, "/pick"), Multiple: m.Linking.Multiple,
		CanGrade: m.Linking.LineItems, Error: problem, Courses: again(c, s.pickable(c))}
}

// pickable is everything that is served.
func (s *site) pickable(c *gin.Context) []themes.PickCourse {
	var out []themes.PickCourse
	for _, course := range s.Catalog.Courses() {
		pc := themes.PickCourse{Title: course.Title, Summary: course.Summary}
		whole := themes.PickTutorial{Value: course.ID, Title: course.Title, Summary: s.words(c).Say("The whole course as one activity with one grade.")}
		for _, t := range course.Tutorials {
			pt := themes.PickTutorial{Value: course.ID + "/" + t.ID, Title: t.Title, Summary: t.Summary, Duration: t.Duration,
				Checks: len(t.Checks), Points: points(t), PreviewHref: at(c, "/preview/"+course.ID+"/"+t.ID)}
			pc.Tutorials = append(pc.Tutorials, pt)
			whole.Checks, whole.Points, whole.Duration = whole.Checks+pt.Checks, whole.Points+pt.Points, whole.Duration+pt.Duration
		}
		if len(pc.Tutorials) > 1 {
			pc.Whole = &whole
		}
		out = append(out, pc)
	}
	return out
}

// again shows what was posted before: nobody should have to choose twice.
func again(c *gin.Context, courses []themes.PickCourse) []themes.PickCourse {
	picked := c.PostFormArray("pick")
	keep := func(t *themes.PickTutorial) {
		t.Picked = slices.Contains(picked, t.Value)
		t.PointsText, t.From, t.Due = c.PostForm("points:"+t.Value), c.PostForm("from:"+t.Value), c.PostForm("due:"+t.Value)
	}
	for i := range courses {
		if courses[i].Whole != nil {
			keep(courses[i].Whole)
		}
		for j := range courses[i].Tutorials {
			keep(&courses[i].Tutorials[j])
		}
	}
	return courses
}

func points(t *content.Tutorial) (sum float64) {
	for _, c := range t.Checks {
		sum += c.Points
	}
	return sum
}

// pick answers the platform with what was chosen (Deep Linking 2.0, section 4.5).
func (s *site) pick(c *gin.Context) {
	m := s.linking(c)
	if m == nil {
		return
	}
	items, err := s.picked(c, m)
	if err != nil {
		s.page(c, http.StatusUnprocessableEntity, s.picking(c, m, explain(s.words(c), err)))
		return
	}
	if err := s.keepDates(c, items); err != nil {
		s.fail(c, err)
		return
	}
	s.Outbox.Kick()
	keys, err := s.Office.Keys(c.Request.Context())
	if err != nil {
		s.fail(c, err)
		return
	}
	say := s.words(c).Count(float64(len(items)), "{n} added", "{n} added")
	jwt, err := lti.LinkingResponse(lti.Signing(keys, s.Office.Now()), m, items, say, s.Office.Now())
	if err != nil {
		s.fail(c, err)
		return
	}
	s.policy(c, themes.Policy{Ancestors: seat(c).launch.Origins, FormTargets: []string{lms.Origin(m.Linking.ReturnURL)}})
	s.page(c, http.StatusOK, themes.LTIReturnPage{Layout: s.layout(c, s.words(c).Say("Back to your course")), Action: m.Linking.ReturnURL, JWT: jwt,
		Say: s.words(c).Say("Taking your choice back to {platform}.", "platform", seat(c).launch.platform.Name)})
}

// keepDates makes the due dates of what was picked those of our grading too:
// platforms show them, but leave what being late costs to us.
func (s *site) keepDates(c *gin.Context, items []lti.ContentItem) error {
	in := seat(c).launch
	for _, item := range items {
		course, tutorial := s.Office.Target(item.Custom["tutorial"])
		if in.Context == 0 || tutorial == "" || item.Submission == nil {
			continue
		}
		all, err := s.Store.GradeSettings(c.Request.Context(), in.Context)
		if err != nil {
			return err
		}
		g := store.GradeSettings{ContextID: in.Context, Course: course, Tutorial: tutorial}
		for _, old := range all {
			if old.Course == course && old.Tutorial == tutorial {
				g = old
			}
		}
		g.Due, g.By = item.Submission.End, viewer(c).ID
		if g.Until != nil && g.Until.Before(*g.Due) {
			g.Until = nil
		}
		if err := s.Store.SetGradeSettings(c.Request.Context(), g); err != nil {
			return err
		}
	}
	return nil
}

// picked reads the form of themes.PickPage; none where it was cancelled.
func (s *site) picked(c *gin.Context, m *lti.Message) ([]lti.ContentItem, error) {
	if c.PostForm("cancel") != "" {
		return nil, nil
	}
	values := c.PostFormArray("pick")
	if len(values) == 0 {
		return nil, sayError("Choose at least one tutorial.")
	}
	if len(values) > 1 && !m.Linking.Multiple {
		return nil, sayError("Your course takes one tutorial at a time: choose one.")
	}
	var items []lti.ContentItem
	for _, v := range values {
		item, err := s.item(c, v, m.Linking.LineItems)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// item is the link to one tutorial, or to a whole course.
func (s *site) item(c *gin.Context, value string, graded bool) (lti.ContentItem, error) {
	course, tutorial := s.Office.Target(value)
	if course == "" {
		return lti.ContentItem{}, sayError("There is no tutorial “{tutorial}” any more: choose another.", "tutorial", value)
	}
	of := s.Catalog.Course(course)
	item := lti.ContentItem{Title: of.Title, Text: of.Summary, URL: s.Office.Endpoints().At(lti.LaunchPath), Custom: map[string]string{"course": course}}
	total := 0.0
	for _, t := range of.Tutorials {
		if tutorial == "" || t.ID == tutorial {
			total += points(t)
		}
		if t.ID == tutorial {
			item.Title, item.Text, item.Custom = t.Title, t.Summary, map[string]string{"tutorial": value}
		}
	}
	from, due, err := dates(c, value)
	if err != nil {
		return item, sayError("{what}: {why}##pick", "what", item.Title, "why", err)
	}
	item.Available, item.Submission = window(from, nil), window(nil, due)
	if !graded {
		return item, nil
	}
	if text := c.PostForm("points:" + value); text != "" {
		total, err = strconv.ParseFloat(text, 64)
		if err != nil || total <= 0 || total > 100_000 || math.IsNaN(total) {
			return item, sayError("{what}: “{text}” is no number of points: give one above 0, as 10 or 7.5.", "what", item.Title, "text", text)
		}
	}
	if total > 0 {
		item.LineItem = &lti.ContentLineItem{Label: item.Title, ScoreMaximum: total, ResourceID: value, Tag: "labmark", Review: true}
	}
	return item, nil
}

func window(start, end *time.Time) *lti.Window {
	if start == nil && end == nil {
		return nil
	}
	return &lti.Window{Start: start, End: end}
}

// dates reads the fields "from:VALUE" and "due:VALUE", in the zone of "zone".
func dates(c *gin.Context, value string) (from, due *time.Time, err error) {
	if from, err = localTime(c, "from:"+value); err != nil {
		return nil, nil, err
	}
	if due, err = localTime(c, "due:"+value); err != nil {
		return nil, nil, err
	}
	if from != nil && due != nil && !from.Before(*due) {
		return nil, nil, sayError("it would be due before it is available; change one of the dates.")
	}
	return from, due, nil
}

// localTime reads a field as browsers send "datetime-local" (HTML standard,
// section 4.10.5.1.11); nil if it is empty.
func localTime(c *gin.Context, field string) (*time.Time, error) {
	text := c.PostForm(field)
	if text == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(c.PostForm("zone"))
	if err != nil {
		zone = time.UTC
	}
	t, err := time.ParseInLocation("2006-01-02T15:04", text, zone)
	if err != nil {
		return nil, sayError("“{text}” is no date and time: give one as 2026-11-22T09:30.", "text", text)
	}
	t = t.UTC()
	return &t, nil
}
