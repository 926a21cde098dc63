package proof

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"seconds": func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) },
	"kinds":   func() []Kind { return Kinds },
	"cell": func(t Tutorial, k Kind) string {
		held, all := 0, 0
		for _, r := range t.Results {
			if r.Kind == k && r.State != Skipped {
				all++
				if r.State == Held {
					held++
				}
			}
		}
		if all == 0 {
			return "–"
		}
		return fmt.Sprintf("%d/%d", held, all)
	},
}).Parse(pageText))

// WritePage writes the report as one page that needs nothing beside it.
func (r Report) WritePage(w io.Writer) error { return page.Execute(w, r) }
