package web

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"
	"golang.org/x/text/language"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/words"
)

// languageKey is the language that the viewer has chosen, in a launch's session;
// languageCookie is the same for everybody else, signed in or not.
const (
	languageKey    = "language"
	languageCookie = "labmark-language"
)

// menuKey is set in requests for pages whose address takes "?language=".
const menuKey = "menu"

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
	var asked []string
	if st := seat(c); st != nil && st.launch != nil {
		asked = append(asked, s.sessions.GetString(c.Request.Context(), languageKey), st.launch.Language)
	} else if cookie, err := c.Cookie(languageCookie); err == nil && base(c) == "" {
		asked = append(asked, cookie)
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

// chooses keeps the language that a page's menu asks for, and leads to the page
// without the asking.
func (s *site) chooses(c *gin.Context) {
	if c.Request.Method != http.MethodGet {
		return
	}
	c.Set(menuKey, true)
	query := c.Request.URL.Query()
	wanted := query.Get("language")
	if wanted == "" {
		return
	}
	c.Abort()
	course := s.Catalog.Course(c.Param("course"))
	if slices.Contains(words.Languages(), wanted) || course != nil && slices.Contains(course.Languages(), wanted) {
		if err := s.keepLanguage(c, wanted); err != nil {
			s.fail(c, err)
			return
		}
	}
	query.Del("language")
	to := url.URL{Path: at(c, c.Request.URL.Path), RawQuery: query.Encode()}
	c.Redirect(http.StatusSeeOther, to.String())
}

// keepLanguage keeps a choice: in a cookie, so that the page before the sign-in
// knows it, and those who are not signed in cost the database nothing. Frames
// may have no cookies, but who was launched has a session.
func (s *site) keepLanguage(c *gin.Context, tag string) error {
	if base(c) == "" {
		http.SetCookie(c.Writer, &http.Cookie{Name: languageCookie, Value: tag, Path: "/", MaxAge: int(sessionLife.Seconds()),
			HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode})
		return nil
	}
	ctx := c.Request.Context()
	if !s.sessions.Exists(ctx, userKey) {
		return nil
	}
	s.sessions.Put(ctx, languageKey, tag)
	_, _, err := s.sessions.Commit(ctx)
	return err
}

// menu are the languages of the interface, with the way to each.
func (s *site) menu(c *gin.Context) (choices []themes.LanguageChoice) {
	if !c.GetBool(menuKey) {
		return nil
	}
	mine := s.language(c)
	for _, l := range words.Languages() {
		choices = append(choices, choice(c, l, l == mine))
	}
	return choices
}

// choice is one line of a menu of languages.
func choice(c *gin.Context, tag string, current bool) themes.LanguageChoice {
	query := c.Request.URL.Query()
	query.Set("language", tag)
	to := url.URL{Path: at(c, c.Request.URL.Path), RawQuery: query.Encode()}
	return themes.LanguageChoice{Tag: tag, Name: themes.LanguageName(tag), Href: to.String(), Current: current}
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
		speech.Languages = append(speech.Languages, choice(c, l, l == mine))
	}
	return speech
}
