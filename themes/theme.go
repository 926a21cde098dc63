// Package themes draws everything that a person sees: templates, styles,
// scripts and fonts. It knows nothing of courses, guests or requests; pages
// come as plain data (see Page).
//
// A theme is a stack of file systems. The embedded default lies at the bottom;
// each further one replaces single files by having its own of the same path:
//
//	templates/login.html   a page, or layout.html, parts.html, teach.html, author.html
//	assets/site.css        a style, script, font or picture
package themes

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/labmark/labmark/themes/words"
)

//go:embed templates
var defaultTemplates embed.FS

//go:embed dist
var bundled embed.FS

// Theme draws pages. It is never changed after New, so it may be used by many
// goroutines at once.
type Theme struct {
	// drawn holds the templates by the tag of their language.
	drawn   map[string]*drawing
	assets  *assets
	sources map[string]string // of all templates, for Over
	// bounded is set where a course's templates draw.
	bounded bool
}

// drawing is all templates, bound to one language.
type drawing struct {
	pages map[string]*template.Template // by the name that Page.template gives
	parts *template.Template
}

// New loads the default theme and lays overrides over it; a file of a later
// one wins. It fails if Labmark was built without assets or if a template
// cannot be parsed.
func New(overrides ...fs.FS) (*Theme, error) {
	dist, err := fs.Sub(bundled, "dist")
	if err != nil {
		return nil, fmt.Errorf("themes: %w", err)
	}
	return load(dist, append([]fs.FS{defaultTemplates}, overrides...))
}

// load is New with the bundled assets and all layers given.
func load(dist fs.FS, layers []fs.FS) (*Theme, error) {
	assets, err := loadAssets(dist, layers)
	if err != nil {
		return nil, err
	}
	sources, err := readTemplates(layers)
	if err != nil {
		return nil, err
	}
	t := &Theme{drawn: map[string]*drawing{}, assets: assets, sources: sources}
	for _, tag := range words.Languages() {
		language := words.In(tag)
		if err := assets.addWords(language); err != nil {
			return nil, err
		}
		if t.drawn[tag], err = bind(sources, assets, language); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// bind parses all templates for one language.
func bind(sources map[string]string, assets *assets, language *words.Language) (*drawing, error) {
	base := template.New("").Funcs(functions(assets, language))
	for _, name := range shared {
		if err := parseInto(base, name, sources); err != nil {
			return nil, err
		}
	}
	d := &drawing{pages: map[string]*template.Template{}, parts: base}
	for _, p := range allPages {
		page, err := base.Clone()
		if err != nil {
			return nil, fmt.Errorf("themes: %w", err)
		}
		if err := parseInto(page, p.template(), sources); err != nil {
			return nil, err
		}
		d.pages[p.template()] = page
	}
	return d, nil
}

// readTemplates gives each template's source by its name without ".html".
func readTemplates(layers []fs.FS) (map[string]string, error) {
	sources := map[string]string{}
	for _, layer := range layers {
		files, err := fs.Glob(layer, "templates/*.html")
		if err != nil {
			return nil, fmt.Errorf("themes: %w", err)
		}
		for _, file := range files {
			b, err := fs.ReadFile(layer, file)
			if err != nil {
				return nil, fmt.Errorf("themes: %w", err)
			}
			sources[strings.TrimSuffix(path.Base(file), ".html")] = string(b)
		}
	}
	return sources, nil
}

// parseInto adds the named template to t.
func parseInto(t *template.Template, name string, sources map[string]string) error {
	source, ok := sources[name]
	if !ok {
		return fmt.Errorf("themes: there is no templates/%s.html", name)
	}
	// html/template cannot parse once it has executed; each page has its own
	// clone, so the order of pages does not matter.
	if _, err := t.New(name).Parse(source); err != nil {
		return fmt.Errorf("themes: templates/%s.html: %w", name, err)
	}
	return nil
}

// in is the drawing in the interface's language nearest to a BCP 47 tag.
func (t *Theme) in(tag string) *drawing { return t.drawn[words.In(tag).Tag] }

// Render writes the whole page, in the language of its Layout. Nothing is
// written when drawing fails, so that the caller can still answer with an error
// page.
func (t *Theme) Render(w io.Writer, p Page) error {
	page, ok := t.in(p.speaks()).pages[p.template()]
	if !ok {
		return fmt.Errorf("themes: there is no page %q", p.template())
	}
	b, err := t.draw(page, "layout", p)
	if err != nil {
		return fmt.Errorf("themes: drawing the page %q: %w", p.template(), err)
	}
	_, err = b.WriteTo(w)
	return err
}

// draw executes a template into memory.
func (t *Theme) draw(of *template.Template, name string, data any) (*bytes.Buffer, error) {
	if t.bounded {
		b := &boundedBuffer{}
		return &b.page, of.ExecuteTemplate(b, name, data)
	}
	b := &bytes.Buffer{}
	return b, of.ExecuteTemplate(b, name, data)
}

// RenderParts writes parts alone, for the "html" of the requests that open a
// hint or a solution, with the interface's words in a language. Like Render it
// writes all or nothing.
func (t *Theme) RenderParts(w io.Writer, language string, parts []Part) error {
	b, err := t.draw(t.in(language).parts, "body", parts)
	if err != nil {
		return fmt.Errorf("themes: drawing parts: %w", err)
	}
	_, err = b.WriteTo(w)
	return err
}
