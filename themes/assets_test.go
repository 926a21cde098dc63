package themes_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/sample"
)

func get(theme *themes.Theme, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	theme.Assets().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestAssetsAreKeptForEver(t *testing.T) {
	w := get(mustLoad(t), "/assets/site-1.css")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "site-1.css") {
		t.Fatalf("got %d %q", w.Code, w.Body)
	}
	for header, want := range map[string]string{
		"Cache-Control": "public, max-age=31536000, immutable", "Content-Type": "text/css; charset=utf-8", "X-Content-Type-Options": "nosniff"} {
		if got := w.Header().Get(header); got != want {
			t.Errorf("%s is %q, expected %q", header, got, want)
		}
	}
}

func TestOnlyAssetsAreServed(t *testing.T) {
	for _, path := range []string{"/assets/", "/assets/manifest.json", "/assets/../theme.go", "/assets/site.css", "/assets/templates/login.html"} {
		if w := get(mustLoad(t), path); w.Code != http.StatusNotFound {
			t.Errorf("%s answers %d, expected 404", path, w.Code)
		}
	}
}

func TestAFingerprintFollowsTheContent(t *testing.T) {
	url := func(css string) string {
		theme := mustLoad(t, fstest.MapFS{"assets/site.css": {Data: []byte(css)}})
		found := regexp.MustCompile(`/assets/site-[0-9a-f]+\.css`).FindString(mustRender(t, theme, sample.Error("n")))
		if got := get(theme, found).Body.String(); got != css {
			t.Errorf("%s holds %q, expected %q", found, got, css)
		}
		return found
	}
	if red, blue := url("a {color: red}"), url("a {color: blue}"); red == blue || red == "" {
		t.Errorf("both contents are at %q", red)
	}
	if first, again := url("a {}"), url("a {}"); first != again {
		t.Error("the same content has two addresses")
	}
}

func TestMissingAssetsAreSaidClearly(t *testing.T) {
	_, err := themes.Load(fstest.MapFS{"README.md": {}}, []fs.FS{themes.DefaultTemplates})
	if err == nil || !strings.Contains(err.Error(), "built without assets: run make") {
		t.Errorf("got %v", err)
	}
	half := dist()
	delete(half, "site-1.js")
	if _, err := themes.Load(half, []fs.FS{themes.DefaultTemplates}); err == nil || !strings.Contains(err.Error(), "site-1.js") {
		t.Errorf("the error should name the lost file: %v", err)
	}
}

func TestThePolicyAllowsNothingInline(t *testing.T) {
	policy := themes.ContentSecurityPolicy(themes.Policy{Nonce: "abc"})
	if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "'nonce-abc'") || !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("policy: %s", policy)
	}
	if strings.Contains(themes.ContentSecurityPolicy(themes.Policy{}), "nonce") {
		t.Error("an empty nonce must not become one that anybody can guess")
	}
}

func TestOnlyNamedPlatformsMayFrameAPage(t *testing.T) {
	for _, c := range []struct {
		ancestors []string
		want      string
	}{
		{nil, "frame-ancestors 'none'"},
		{[]string{"https://a.example", "https://b.example:8443"}, "frame-ancestors https://a.example https://b.example:8443"},
		{[]string{"https://*.school.example"}, "frame-ancestors https://*.school.example"},
		{[]string{"*", "https://*", "https://*.example", "https://*.*.example", "https://a.*", "https://a.example; script-src *", "'self'", "javascript:1"}, "frame-ancestors 'none'"},
	} {
		policy := themes.ContentSecurityPolicy(themes.Policy{Ancestors: c.ancestors})
		if !strings.HasSuffix(policy, c.want) || !strings.Contains(policy, "form-action 'self';") {
			t.Errorf("for %q: %s", c.ancestors, policy)
		}
	}
	if p := themes.ContentSecurityPolicy(themes.Policy{FormTargets: []string{"https://lms.example"}}); !strings.Contains(p, "form-action 'self' https://lms.example;") {
		t.Error(p)
	}
}
