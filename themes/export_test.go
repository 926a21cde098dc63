package themes

import "github.com/labmark/labmark/themes/words"

// Load lets tests give bundled assets of their own, so that they need no npm.
var Load = load

// DefaultTemplates are the lowest layer.
var DefaultTemplates = defaultTemplates

// In is a theme that draws all pages in one language, whichever they ask for.
func In(t *Theme, l *words.Language) (*Theme, error) {
	drawn, err := bind(t.sources, t.assets, l)
	return &Theme{drawn: map[string]*drawing{words.Source: drawn}, assets: t.assets, sources: t.sources}, err
}
