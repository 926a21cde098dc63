package themes

// Spoken says in which language a course's words are, which need not be that
// of the page around them.
type Spoken struct {
	// Speech is BCP 47; empty means the page's own.
	Speech string
	// Languages are those that the course can be had in; none where there is
	// only one.
	Languages []LanguageChoice
	// Untranslated is the name of the viewer's language where what is shown is
	// not translated to it yet; else empty.
	Untranslated string
}

// LanguageChoice is one entry of the menu of languages.
type LanguageChoice struct {
	Tag, Name, Href string
	Current         bool
}

// languageNames are as their speakers write them.
var languageNames = map[string]string{
	"ar": "العربية", "bg": "Български", "ca": "Català", "cs": "Čeština", "da": "Dansk", "de": "Deutsch",
	"el": "Ελληνικά", "en": "English", "es": "Español", "et": "Eesti", "fi": "Suomi", "fr": "Français",
	"he": "עברית", "hr": "Hrvatski", "hu": "Magyar", "it": "Italiano", "ja": "日本語", "ko": "한국어",
	"lt": "Lietuvių", "lv": "Latviešu", "nb": "Norsk bokmål", "nl": "Nederlands", "pl": "Polski",
	"pt": "Português", "pt-BR": "Português (Brasil)", "ro": "Română", "ru": "Русский", "sk": "Slovenčina",
	"sl": "Slovenščina", "sr": "Српски", "sv": "Svenska", "tr": "Türkçe", "uk": "Українська", "vi": "Tiếng Việt",
	"zh": "中文", "zh-Hans": "简体中文", "zh-Hant": "繁體中文",
}

// LanguageName is what the speakers of a language call it; its tag where that
// is not known here.
func LanguageName(tag string) string {
	if name, ok := languageNames[tag]; ok {
		return name
	}
	return tag
}
