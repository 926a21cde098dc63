package themes

import "strings"

// Policy is what a page's Content-Security-Policy allows beyond the usual.
// Ancestors and FormTargets are origins, as "https://moodle.example.edu".
type Policy struct {
	// Nonce must be drawn anew for each response and given in Layout.Nonce
	// too: only the terminal needs it, which makes style elements while it
	// runs.
	Nonce string
	// Ancestors may show the page in a frame; nobody may if there are none.
	Ancestors []string
	// FormTargets are told to by a form of the page, beside this site: the
	// platform's origin for LTIReturnPage, and for LTIContinuePage, because
	// browsers hold a form's redirects to the policy too.
	FormTargets []string
}

// ContentSecurityPolicy is the header that goes with every page.
// See https://www.w3.org/TR/CSP3/.
func ContentSecurityPolicy(p Policy) string {
	styles := "style-src 'self'"
	if p.Nonce != "" {
		styles += " 'nonce-" + p.Nonce + "'"
	}
	return "default-src 'none'; script-src 'self'; " + styles +
		"; img-src 'self' data:; font-src 'self'; connect-src 'self'" +
		"; form-action " + sources("'self'", p.FormTargets) +
		"; base-uri 'none'; frame-ancestors " + ancestors(p.Ancestors)
}

func ancestors(origins []string) string {
	if all := sources("", origins); all != "" {
		return all
	}
	return "'none'"
}

// sources joins origins, leaving out whatever would end the directive or
// widen it: they come from registrations, which people type.
func sources(first string, origins []string) string {
	var all []string
	if first != "" {
		all = append(all, first)
	}
	for _, o := range origins {
		// "https://*.example.edu" is a school's many subdomains, "https://*.edu"
		// would be all schools.
		plain, many := strings.CutPrefix(o, "https://*.")
		if many && !strings.Contains(plain, ".") {
			continue
		}
		if (strings.HasPrefix(o, "https://") || strings.HasPrefix(o, "http://")) && !strings.ContainsAny(plain, " \t\r\n;,*'\"") {
			all = append(all, o)
		}
	}
	return strings.Join(all, " ")
}
