package lti

import (
	"encoding/json"
	"net/url"
)

// canvasVariables are custom parameters by which Canvas tells of a person
// what its gradebook's export knows them by. Other platforms say it in claims
// or would hand the variables back unread.
var canvasVariables = map[string]string{
	"canvas_user_id":  "$Canvas.user.id",
	"canvas_login_id": "$Canvas.user.loginId",
	"canvas_sis_id":   "$Canvas.user.sisSourceId",
}

// canvasPlacements are where Canvas offers to pick a tutorial: for an
// assignment, and for a module's link.
var canvasPlacements = []string{"assignment_selection", "link_selection"}

// domain is the tool's host as registrations want it, with a port if it has one.
func (e Endpoints) domain() string { return e.Base.Host }

// CanvasConfiguration is the JSON document that Canvas reads when a developer
// key is made "by URL".
func CanvasConfiguration(e Endpoints, name, description string) []byte {
	placements := []map[string]any{}
	for _, placement := range canvasPlacements {
		placements = append(placements, map[string]any{
			"placement": placement, "message_type": DeepLinkingRequest, "enabled": true, "text": name,
			"target_link_uri": e.At(LaunchPath), "icon_url": e.At(IconPath), "selection_width": 900, "selection_height": 700,
		})
	}
	text, _ := json.MarshalIndent(map[string]any{
		"title": name, "description": description,
		"oidc_initiation_url": e.At(LoginPath), "target_link_uri": e.At(LaunchPath), "public_jwk_url": e.At(KeysPath),
		"scopes": Scopes, "custom_fields": canvasVariables,
		"extensions": []map[string]any{{
			"platform": "canvas.instructure.com", "domain": e.domain(), "tool_id": toolID(e), "privacy_level": "public",
			"settings": map[string]any{"text": name, "icon_url": e.At(IconPath), "placements": placements},
		}},
	}, "", "  ") // texts and lists only
	return append(text, '\n')
}

// toolID stays the same when a server is registered again.
func toolID(e Endpoints) string { return "labmark-" + url.PathEscape(e.domain()) }

// Setting is one field of a platform's form, in the words of that form.
type Setting struct{ Name, Value string }

// ManualSettings are what to type into Moodle: Site administration → Plugins →
// External tool → Manage tools → configure a tool manually.
func ManualSettings(e Endpoints) []Setting {
	return []Setting{
		{"Tool name", "Labmark"},
		{"Tool URL", e.At(LaunchPath)},
		{"LTI version", "LTI 1.3"},
		{"Public key type", "Keyset URL"},
		{"Public keyset", e.At(KeysPath)},
		{"Initiate login URL", e.At(LoginPath)},
		{"Redirection URI(s)", e.At(LaunchPath)},
		{"Supports Deep Linking (Content-Item Message)", "Yes"},
		{"Content Selection URL", e.At(LaunchPath)},
		{"Icon URL", e.At(IconPath)},
		{"IMS LTI Assignment and Grade Services", "Use this service for grade sync and column management"},
		{"IMS LTI Names and Role Provisioning", "Use this service to retrieve members' information as per privacy settings"},
		{"Share launcher's name with tool", "Always"},
		{"Share launcher's email with tool", "Never"},
		{"Accept grades from the tool", "Always"},
	}
}
