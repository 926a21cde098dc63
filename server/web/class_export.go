package web

import (
	"bytes"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/gradebook"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/words"
)

// exportFormats are what the class page offers.
var exportFormats = []struct{ name, title, note string }{
	{string(gradebook.Moodle), "Moodle", "CSV as Moodle's grade import reads it"},
	{string(gradebook.Canvas), "Canvas", "CSV as Canvas's gradebook imports it"},
	{string(gradebook.CSV), "CSV", "every attempt with its evidence"},
	{string(gradebook.JSON), "JSON", "every attempt with its evidence"},
	{cartridge, "Common Cartridge", "links to the whole course, for an import into the platform"},
}

const cartridge = "imscc"

// exportGrades sends a file of the context's grades, or links to the course.
func (s *site) exportGrades(c *gin.Context) {
	b := s.subject(c)
	if b == nil {
		return
	}
	var file bytes.Buffer // so that an error can still become a page
	mime, ending := "application/zip", ".imscc"
	var err error
	if f := c.Param("format"); f == cartridge {
		err = gradebook.Cartridge(&file, b.course, s.Office.LaunchURL())
	} else {
		mime, ending = gradebook.Format(f).ContentType()
		err = s.gradebook().Export(c.Request.Context(), &file, b.context, gradebook.Format(f), gradebook.Only{})
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	name := fileName(seat(c).launch.context.Label+" "+b.course.ID+" "+c.Param("format")) + ending
	c.Header("Content-Disposition", `attachment; filename="`+name+`"`)
	c.Data(http.StatusOK, mime, file.Bytes())
}

// fileName keeps letters, digits and what joins them.
func fileName(text string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '.', r == '_':
			return r
		}
		return '-'
	}, text), "-.")
}

// importGrades takes overrides out of a file, all of them or none.
func (s *site) importGrades(c *gin.Context) {
	b := s.subject(c)
	if b == nil {
		return
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxImport)
	file, head, err := c.Request.FormFile("file")
	if err != nil {
		s.showSettings(c, http.StatusUnprocessableEntity, b, themes.SettingsPage{Error: s.words(c).Say("Choose a CSV file of at most 4 MB.")})
		return
	}
	defer file.Close()
	dry := c.PostForm("dry") == "1"
	report, err := s.gradebook().Import(c.Request.Context(), b.context, viewer(c).ID, head.Filename, file, dry)
	if err != nil {
		s.showSettings(c, http.StatusUnprocessableEntity, b, themes.SettingsPage{Error: refusedFile(s.words(c), err)})
		return
	}
	page := themes.SettingsPage{Dry: dry, Applied: report.Applied}
	for _, l := range report.Lines {
		page.Imported = append(page.Imported, themes.ImportLine{Line: l.Number, Student: l.Student, Points: l.Given,
			Accepted: l.Accepted, Says: strings.TrimSpace(s.words(c).Translate(l.Says) + " " + s.words(c).Translate(l.Mend))})
	}
	if report.Applied { // also of other tutorials of the context
		s.Outbox.Kick()
		for _, other := range s.linked(seat(c).launch) {
			s.Desk.Regraded(b.context, other.course.ID, other.tutorial.ID)
		}
	}
	s.showSettings(c, http.StatusOK, b, page)
}

// refusedFile says why a file was not taken.
func refusedFile(l *words.Language, err error) string {
	bad, ok := errors.AsType[*gradebook.BadFile](err)
	if !ok {
		return explain(l, err)
	}
	says := l.Translate(bad.Says) + " " + l.Translate(bad.Mend)
	if bad.Line > 0 {
		return l.Say("line {line}: {what}", "line", bad.Line, "what", says)
	}
	return says
}
