package themes

// PrivacyPage says what is kept about the viewer and for how long, and links
// to a file with all of it at Export.
type PrivacyPage struct {
	Layout
	Export string
}

func (PrivacyPage) template() string { return "privacy" }
