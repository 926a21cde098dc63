package themes

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/labmark/labmark/themes/words"
)

// assetsPath is where Theme.Assets must be mounted.
const assetsPath = "/assets/"

// errNoAssets is what New says in a build that left out the asset build.
var errNoAssets = errors.New("themes: built without assets: run make (or go run ./themes/build), then build again")

// contentTypes are given here rather than by package mime, whose answers
// depend on the machine's files.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".map":   "application/json",
	".png":   "image/png",
	".jpg":   "image/jpeg",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".webp":  "image/webp",
	".woff2": "font/woff2",
}

// assets are the files below assetsPath, by fingerprinted name.
type assets struct {
	files map[string][]byte
	names map[string]string // plain name → fingerprinted name
}

// loadAssets takes what themes/build wrote to dist, and the files below
// assets/ of each layer.
func loadAssets(dist fs.FS, layers []fs.FS) (*assets, error) {
	manifest, err := fs.ReadFile(dist, "manifest.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoAssets
	}
	if err != nil {
		return nil, fmt.Errorf("themes: %w", err)
	}
	a := &assets{files: map[string][]byte{}, names: map[string]string{}}
	if err := json.Unmarshal(manifest, &a.names); err != nil {
		return nil, fmt.Errorf("themes: dist/manifest.json: %w", err)
	}
	for plain, name := range a.names {
		if a.files[name], err = fs.ReadFile(dist, name); err != nil {
			return nil, fmt.Errorf("themes: dist/manifest.json names %s for %s: %w", name, plain, err)
		}
	}
	for _, layer := range layers {
		if err := a.add(layer); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// add takes a layer's assets/, giving each file a fingerprint of its content.
func (a *assets) add(layer fs.FS) error {
	err := fs.WalkDir(layer, "assets", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(layer, file)
		if err != nil {
			return err
		}
		a.put(strings.TrimPrefix(file, "assets/"), b)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("themes: reading assets of an override: %w", err)
	}
	return nil
}

// put adds a file under a name with a fingerprint of its content.
func (a *assets) put(plain string, b []byte) {
	ext := path.Ext(plain)
	sum := sha256.Sum256(b)
	name := strings.TrimSuffix(plain, ext) + "-" + hex.EncodeToString(sum[:8]) + ext
	a.names[plain] = name
	a.files[name] = b
}

// addWords adds what the pages' scripts say in a language, as "words-de.js";
// see src/words.ts.
func (a *assets) addWords(l *words.Language) error {
	b, err := json.Marshal(l.Script())
	if err != nil {
		return fmt.Errorf("themes: %w", err)
	}
	a.put("words-"+l.Tag+".js", slices.Concat([]byte("globalThis.labmarkWords="), b, []byte(";\n")))
	return nil
}

// url is the template function "asset".
func (a *assets) url(plain string) (string, error) {
	name, ok := a.names[plain]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", plain)
	}
	return assetsPath + name, nil
}

// ServeHTTP serves one file. Names hold a fingerprint of the content, so
// browsers may keep it for ever; it is the largest age in use, a year.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, assetsPath)
	b, ok := a.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if t, ok := contentTypes[path.Ext(name)]; ok {
		w.Header().Set("Content-Type", t)
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	// A platform may sandbox its frames; pages in them have no origin, and
	// would get neither fonts nor scripts. Nothing here is secret.
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(b))
}

// Has says whether the theme itself serves a path: one that was laid over
// another does so for what differs.
func (t *Theme) Has(path string) bool {
	_, ok := t.assets.files[strings.TrimPrefix(path, assetsPath)]
	return ok
}

// Assets serves the files that pages refer to. Mount it at /assets/, without
// stripping that prefix. No session is needed for any of them.
func (t *Theme) Assets() http.Handler { return t.assets }

// AssetURL is the path of an asset by its plain name, as "icon.svg".
func (t *Theme) AssetURL(plain string) (string, error) { return t.assets.url(plain) }
