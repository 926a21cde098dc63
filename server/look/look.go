// Package look gives courses the pages that their own themes ask for: package
// content reads a theme's files, package themes knows what they mean.
package look

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/sample"
	"github.com/labmark/labmark/themes/words"
)

// ours is Labmark's own theme, which courses' lie over.
var ours = sync.OnceValues(func() (*themes.Theme, error) { return themes.New() })

// Load is content.Load, with what is wrong in the course's theme among the
// findings.
func Load(fsys fs.FS) (*content.Course, content.Findings) {
	course, findings := content.Load(fsys)
	if course == nil || !changes(course) {
		return course, findings
	}
	if last := proved.Load(); last != nil && sameFiles(last, course) {
		return course, findings
	}
	wrong := check(course)
	if len(wrong) == 0 {
		proved.Store(&content.Course{Messages: course.Messages, Templates: course.Templates})
		return course, findings
	}
	all := slices.Concat(findings, wrong)
	slices.SortStableFunc(all, func(a, b content.Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return nil, all
}

// proved has the theme that was found right last: an author who previews a
// course saves its tutorials more often than its theme.
var proved atomic.Pointer[content.Course]

// changes says whether a course's theme is more than a style sheet.
func changes(c *content.Course) bool { return len(c.Messages) > 0 || len(c.Templates) > 0 }

// check finds what is wrong in a theme.
func check(course *content.Course) content.Findings {
	own, findings := own(course)
	if len(findings) > 0 {
		return findings
	}
	base, err := ours()
	if err != nil {
		return content.Findings{{Severity: content.Error, File: "course.yaml", Length: 1, Message: "The theme can't be tried: " + err.Error() + "."}}
	}
	theme, problems := base.Over(own)
	for _, p := range problems {
		findings = append(findings, finding(course, p))
	}
	if theme == nil || len(own.Templates) == 0 {
		return findings
	}
	for _, page := range pages() {
		if p := theme.Try(own, page); p != nil {
			if f := finding(course, *p); !slices.Contains(findings, f) {
				findings = append(findings, f)
			}
		}
	}
	return findings
}

// pages have one of everything that a course's page may show.
func pages() []themes.Page {
	const nonce = "nonce"
	guest := themes.GuestView{State: "ready", Image: "debian-12"}
	questions := sample.Questions()
	last := sample.Tutorial(nonce, guest)
	last.Next = nil
	last.Desktop, last.Trouble = true, "The machine could not be prepared."
	empty := sample.Course(nonce)
	empty.Tutorials = nil
	return []themes.Page{
		sample.Course(nonce), empty, sample.Tutorial(nonce, guest), last, sample.Preview(nonce),
		sample.Widgets(nonce, guest, questions, sample.Looks()), sample.Embedded(nonce, sample.Moodle, guest), sample.Prose(nonce, guest),
	}
}

// own is a course's theme in the words of package themes.
func own(course *content.Course) (themes.Own, content.Findings) {
	sentences, findings := messages(course.Messages)
	o := themes.Own{Words: sentences}
	for _, t := range course.Templates {
		o.Templates = append(o.Templates, themes.OwnTemplate{Name: t.Name, Path: t.Path, Text: t.Text})
	}
	return o, findings
}

func finding(course *content.Course, p themes.Problem) content.Finding {
	f := content.Finding{Severity: content.Error, File: p.Path, Length: 1}
	for _, t := range course.Templates {
		if t.Path == p.Path && p.Offset+p.Length > 0 {
			f = content.FindingAt(t.Path, t.Text, p.Offset, p.Length)
		}
	}
	f.Message, f.Mend = p.Message, p.Mend
	if p.Word != "" && f.Mend == "" {
		f.Mend = content.DidYouMean(p.Word, p.Known)
	}
	return f
}

// unknownLanguage is said of a folder that nobody's pages would be read from.
func unknownLanguage(tag string) (message, mend string) {
	return fmt.Sprintf("The interface does not speak “%s”.", tag), content.DidYouMean(tag, words.Languages())
}
