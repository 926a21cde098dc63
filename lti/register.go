package lti

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	registrationTimeout = 20 * time.Second
	largestRegistration = 1 << 20 // bytes of an answer
	claimConfiguration  = "https://purl.imsglobal.org/spec/lti-platform-configuration"
	claimToolConfig     = "https://purl.imsglobal.org/spec/lti-tool-configuration"
	canvasExtension     = "https://canvas.instructure.com/lti/"
)

// RegistrationRequest is how a platform opens RegisterPath (Dynamic
// Registration 1.0, section 3.3), with what people there shall read.
type RegistrationRequest struct {
	ConfigURL         string // openid_configuration
	Token             string // registration_token; may be empty
	Name, Description string
}

// Registration is what came of it.
type Registration struct {
	Platform Platform // without ID
	// Pending is true where an administrator of the platform still has to
	// activate the tool.
	Pending bool
	// Missing are scopes that were asked for and that the platform does not
	// name in its answer. It may name more than it will grant.
	Missing []string
}

// Register registers this tool at a platform (Dynamic Registration 1.0). The
// page that called it then closes itself with
// postMessage({subject: 'org.imsglobal.lti.close'}). Errors are *Refusal.
func Register(ctx context.Context, client *http.Client, e Endpoints, r RegistrationRequest) (*Registration, error) {
	ctx, cancel := context.WithTimeout(ctx, registrationTimeout)
	defer cancel()
	at, err := SecureURL(r.ConfigURL)
	if err != nil {
		return nil, refuse(ReasonRegistrationAddress, Platform{}, "openid_configuration %s: %v", quoted(r.ConfigURL), err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.ConfigURL, nil)
	if err != nil {
		return nil, refuse(ReasonRegistrationAddress, Platform{}, "openid_configuration: %v", err)
	}
	answer, refusal := r.send(client, request)
	if refusal != nil {
		return nil, refusal
	}
	if answer.status != http.StatusOK {
		return nil, refuse(ReasonRegistrationDenied, Platform{}, "%s answers with status %d: %s", at.Host, answer.status, quoted(string(answer.body)))
	}
	c, refusal := readPlatformConfiguration(at, answer.body)
	if refusal != nil {
		return nil, refusal
	}
	body, err := json.Marshal(c.ask(e, r))
	if err != nil {
		return nil, err
	}
	request, err = http.NewRequestWithContext(ctx, http.MethodPost, c.Registration, bytes.NewReader(body))
	if err != nil {
		return nil, refuse(ReasonRegistrationEndpoint, c.platform(), "registration_endpoint: %v", err)
	}
	request.Header.Set("Content-Type", "application/json")
	if answer, refusal = r.send(client, request); refusal != nil {
		refusal.Platform, refusal.Detail = 0, refusal.Detail+" (while registering)"
		return nil, refusal
	}
	return c.registered(answer)
}

// send asks the platform with the registration's token. Redirections would
// carry the token elsewhere: a GET follows them only within the host, a POST
// not at all.
func (r RegistrationRequest) send(client *http.Client, request *http.Request) (exchanged, *Refusal) {
	request.Header.Set("Accept", "application/json")
	if r.Token != "" {
		request.Header.Set("Authorization", "Bearer "+r.Token)
	}
	redirections := 3
	if request.Method == http.MethodPost {
		redirections = 0
	}
	answer, err := exchange(client, request, largestRegistration, redirections, true)
	switch {
	case errors.Is(err, errRedirect):
		return answer, refuse(ReasonRegistrationRedirect, Platform{}, "%v", err)
	case errors.Is(err, errTooLarge):
		return answer, refuse(ReasonRegistrationTooLarge, Platform{}, "%v", err)
	case err != nil:
		return answer, refuse(ReasonRegistrationUnreachable, Platform{}, "%v", err)
	}
	return answer, nil
}

// ask is the registration that is sent (Dynamic Registration 1.0, section 3.5.2).
func (c platformConfiguration) ask(e Endpoints, r RegistrationRequest) map[string]any {
	tool := map[string]any{
		"domain": e.domain(), "target_link_uri": e.At(LaunchPath), "description": r.Description,
		"claims": []string{"iss", "sub", "name", "given_name", "family_name", "email"}, "messages": c.messages(e, r.Name),
	}
	if c.canvas() {
		tool["custom_parameters"] = canvasVariables
		tool[canvasExtension+"tool_id"], tool[canvasExtension+"privacy_level"] = toolID(e), "public"
	}
	return map[string]any{
		"application_type": "web", "response_types": []string{"id_token"}, "grant_types": []string{"client_credentials", "implicit"},
		"initiate_login_uri": e.At(LoginPath), "redirect_uris": []string{e.At(LaunchPath)}, "jwks_uri": e.At(KeysPath),
		"client_name": r.Name, "client_uri": e.Base.String(), "logo_uri": e.At(IconPath),
		"token_endpoint_auth_method": "private_key_jwt", "id_token_signed_response_alg": string(jose.RS256),
		"scope": strings.Join(c.scopes(), " "), claimToolConfig: tool,
	}
}

// scopes are those of ours that the platform knows. Canvas refuses others.
func (c platformConfiguration) scopes() []string {
	if len(c.Scopes) == 0 {
		return Scopes
	}
	return slices.DeleteFunc(slices.Clone(Scopes), func(s string) bool { return !slices.Contains(c.Scopes, s) })
}

// messages are those of ours that the platform offers. Canvas takes a message
// without placement as a link in modules, where deep linking has to stand, so
// there plain resource links are left unsaid; every platform sends them.
func (c platformConfiguration) messages(e Endpoints, name string) []map[string]any {
	offered := map[string][]string{}
	for _, m := range c.LTI.Messages {
		offered[strings.TrimPrefix(m.Type, "Lti")] = append([]string{m.Type}, m.Placements...)
	}
	var all []map[string]any
	add := func(message MessageType, placements ...string) {
		said, ok := offered[strings.TrimPrefix(string(message), "Lti")]
		if !ok && message != DeepLinkingRequest {
			return
		}
		one := map[string]any{"type": message, "target_link_uri": e.At(LaunchPath), "label": name, "icon_uri": e.At(IconPath)}
		if ok {
			one["type"] = said[0]
			placements = slices.DeleteFunc(slices.Clone(said[1:]), func(p string) bool {
				return !slices.Contains(placements, strings.TrimPrefix(p, canvasExtension))
			})
		}
		if len(placements) > 0 {
			one["placements"] = placements
		}
		all = append(all, one)
	}
	if c.canvas() {
		add(DeepLinkingRequest, canvasPlacements...)
	} else {
		add(ResourceLinkRequest)
		add(DeepLinkingRequest, "ContentArea")
	}
	add(SubmissionReviewRequest)
	add(DataPrivacyRequest)
	return all
}

// registered reads the platform's answer (Dynamic Registration 1.0, section 3.6).
func (c platformConfiguration) registered(answer exchanged) (*Registration, error) {
	p := c.platform()
	if answer.status != http.StatusOK && answer.status != http.StatusCreated {
		return nil, refuse(ReasonRegistrationRefused, p, "the platform answers with status %d: %s", answer.status, quoted(string(answer.body)))
	}
	var said struct {
		ClientID any    `json:"client_id"`
		Scope    string `json:"scope"`
		Tool     struct {
			Deployment string `json:"deployment_id"`
		} `json:"https://purl.imsglobal.org/spec/lti-tool-configuration"`
	}
	if err := json.Unmarshal(answer.body, &said); err != nil {
		return nil, refuse(ReasonRegistrationMalformed, p, "the platform's answer: %v", err)
	}
	p.ClientID, _ = said.ClientID.(string)
	if p.ClientID == "" || len(p.ClientID) > longestID || len(said.Tool.Deployment) > longestID {
		return nil, refuse(ReasonRegistrationNameless, p, "client_id is %s", quoted(fmt.Sprint(said.ClientID)))
	}
	p.Deployments = []string{AnyDeployment}
	if said.Tool.Deployment != "" {
		p.Deployments = []string{said.Tool.Deployment}
	}
	done := &Registration{Platform: p, Pending: c.canvas() || c.LTI.Product == "moodle"}
	granted := strings.Fields(said.Scope)
	for _, scope := range Scopes {
		if len(granted) > 0 && !slices.Contains(granted, scope) {
			done.Missing = append(done.Missing, scope)
		}
	}
	return done, nil
}
