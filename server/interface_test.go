package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/labmark/labmark/lti/ltitest"
)

// upload posts a form with one file.
func (b *browser) upload(path, text string) (*http.Response, string) {
	b.t.Helper()
	const form = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"grades.csv\"\r\n\r\n"
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+b.at+path, strings.NewReader(form+text+"\r\n--edge--\r\n"))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "multipart/form-data; boundary=edge")
	answer, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer, read(b.t, answer)
}

func TestWhoTeachesReadsFrench(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	tessa := b.browser()
	tessa.mustLaunch(b.as("tessa"))
	answer, body := tessa.get("/class?language=fr")
	status(t, answer, http.StatusOK)
	has(t, body, `<html lang="fr">`, "Notes en chemin", "Chercher un étudiant", "ont tout réussi")

	// A file that is no table of grades, and one with a line too many.
	answer, body = tessa.upload("/class/import", "colour,points\nred,3\n")
	status(t, answer, http.StatusUnprocessableEntity)
	has(t, body, "ligne 1\u00a0: Aucune colonne ne dit de quel étudiant il s’agit. Ajoutez-en une nommée email, username, id_number ou user.")
	answer, body = tessa.upload("/class/import", "student,tutorial,points\nNobody,linux/one,3\n")
	status(t, answer, http.StatusOK)
	has(t, body, "Il n’y a pas d’étudiant Nobody ici. Écrivez un email", "Rien n’a été changé")

	answer, body = tessa.do(http.MethodPost, "/class/settings", url.Values{"penalty": {"much"}, "weight": {"1"}})
	status(t, answer, http.StatusUnprocessableEntity)
	has(t, body, "La pénalité «\u00a0much\u00a0» n’est pas un nombre.")
}

func TestALaunchThatFailsSaysSoInTheBrowsersLanguage(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	for language, want := range map[string]string{
		"de": "Diese Lernplattform ist hier nicht registriert.",
		"fr": "Cette plateforme d’apprentissage n’est pas enregistrée ici.",
		"es": "Esta plataforma de aprendizaje no está registrada aquí.",
		"sv": "This learning platform is not registered here.",
	} {
		answer, body := b.browser().do(http.MethodGet, "/lti/login?iss=https%3A%2F%2Felsewhere.test&login_hint=1&target_link_uri="+url.QueryEscape(b.url+"/lti/launch"),
			nil, "Accept-Language", language)
		status(t, answer, http.StatusForbidden)
		has(t, body, want)
	}
}
