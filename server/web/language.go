package web

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"
	"golang.org/x/text/language"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/words"
)

// languageKey is the language that a session's user has chosen.
const languageKey = "language"

// speaks is the language in which a viewer reads a course: the one chosen in
// the page, else the platform's, else the browser's, else the course's own.
func (s *site) speaks(c *gin.Context, course *content.Course) string {
	have := course.Languages()
	if len(have) == 1 {
		return have[0]
	}
	tags := make([]language.Tag, len(have))
	for i, l := range have {
		tags[i] = language.Make(l)
	}
	matcher := language.NewMatcher(tags)
	for _, wanted := range s.wishes(c) {
		// A neighbour of the language, such as Danish for Norwegian, is worse
		// than the author's own words.
		if _, i, how := matcher.Match(wanted); how >= language.High {
			return have[i]
		}
	}
	return course.Language
}

// interfaceTags are the languages of the interface, for matching.
var interfaceTags = language.NewMatcher(func() (tags []language.Tag) {
	for _, l := range words.Languages() {
		tags = append(tags, language.Make(l))
	}
	return tags
}())

// language is the one in which a viewer reads the interface.
func (s *site) language(c *gin.Context) string {
	for _, wanted := range s.wishes(c) {
		if _, i, how := interfaceTags.Match(wanted); how >= language.High {
			return words.Languages()[i]
		}
	}
	return words.Source
}

// wishes are a viewer's languages, the dearest first.
func (s *site) wishes(c *gin.Context) []language.Tag {
	asked := []string{s.sessions.GetString(c.Request.Context(), languageKey)}
	if st := seat(c); st != nil && st.launch != nil {
		asked = append(asked, st.launch.Language)
	}
	var tags []language.Tag
	for _, a := range asked {
		if t, err := language.Parse(a); err == nil {
			tags = append(tags, t)
		}
	}
	accepted, _, err := language.ParseAcceptLanguage(c.GetHeader("Accept-Language"))
	if err != nil {
		return tags
	}
	return append(tags, accepted...)
}

// chooses keeps the language that the page's menu asks for, and leads to the
// page without the asking; false where nothing was asked.
func (s *site) chooses(c *gin.Context, course *content.Course) bool {
	wanted := c.Query("language")
	if wanted == "" {
		return false
	}
	if ctx := c.Request.Context(); slices.Contains(course.Languages(), wanted) {
		s.sessions.Put(ctx, languageKey, wanted)
		if _, _, err := s.sessions.Commit(ctx); err != nil {
			s.fail(c, err)
			return true
		}
	}
	c.Redirect(http.StatusSeeOther, at(c, c.Request.URL.Path))
	return true
}

// spoken is an owner's tutorial and its course, in the viewer's language as
// far as they are translated; nil where there is none.
func (s *site) spoken(c *gin.Context, o store.Owner) (*content.Tutorial, *content.Course) {
	course := s.Catalog.Course(o.Course)
	if course == nil {
		return nil, nil
	}
	course = course.In(s.speaks(c, course))
	t := course.Tutorial(o.Tutorial)
	if t == nil {
		return nil, nil
	}
	return t, course
}

// languages are what a page of a course has to offer and to say about its
// language.
func (s *site) languages(c *gin.Context, course *content.Course, shown string) themes.Spoken {
	have := course.Languages()
	speech := themes.Spoken{Speech: shown}
	if len(have) == 1 {
		return speech
	}
	mine := s.speaks(c, course)
	if mine != shown {
		speech.Untranslated = themes.LanguageName(mine)
	}
	for _, l := range have {
		speech.Languages = append(speech.Languages, themes.LanguageChoice{Tag: l, Name: themes.LanguageName(l),
			Href: at(c, c.Request.URL.Path) + "?language=" + l, Current: l == mine})
	}
	return speech
}
