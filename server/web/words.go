package web

import (
	"errors"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/themes/words"
)

// words says sentences in the viewer's language.
func (s *site) words(c *gin.Context) *words.Language { return words.In(s.language(c)) }

// said is an error for people: a sentence of the catalogs with its holes, in
// which other errors may stand.
type said struct {
	sentence string
	holes    []any
}

// sayError makes an error of an English sentence, with holes as
// words.Language.Say takes them.
func sayError(sentence string, holes ...any) error { return said{sentence, holes} }

// Error says it in English.
func (e said) Error() string { return e.in(words.In(words.Source)) }

func (e said) in(l *words.Language) string {
	holes := slices.Clone(e.holes)
	for i, h := range holes {
		if err, ok := h.(error); ok {
			holes[i] = explain(l, err)
		}
	}
	return l.Say(e.sentence, holes...)
}

// explain says an error in a language, as far as the catalogs know it.
func explain(l *words.Language, err error) string {
	if e, ok := errors.AsType[said](err); ok {
		return e.in(l)
	}
	return l.Translate(err.Error())
}
