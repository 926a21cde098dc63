package themes

// ContentSecurityPolicy is the header that goes with every page. nonce must be
// drawn anew for each response and given in Layout.Nonce too: only the
// terminal needs it, which makes style elements while it runs.
// See https://www.w3.org/TR/CSP3/.
func ContentSecurityPolicy(nonce string) string {
	styles := "style-src 'self'"
	if nonce != "" {
		styles += " 'nonce-" + nonce + "'"
	}
	return "default-src 'none'; script-src 'self'; " + styles +
		"; img-src 'self' data:; font-src 'self'; connect-src 'self'" +
		"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}
