package ltitest

import (
	"encoding/json"
	"errors"
	"fmt"
)

// canvasDocument is Canvas's configuration of an LTI 1.3 tool as JSON.
type canvasDocument struct {
	Title      string            `json:"title"`
	Text       *string           `json:"description"`
	LoginURL   string            `json:"oidc_initiation_url"`
	Target     string            `json:"target_link_uri"`
	Scopes     []string          `json:"scopes"`
	KeysURL    string            `json:"public_jwk_url"`
	Keys       json.RawMessage   `json:"public_jwk"`
	Custom     map[string]string `json:"custom_fields"`
	Extensions []struct {
		Platform string `json:"platform"`
		Domain   string `json:"domain"`
		Privacy  string `json:"privacy_level"`
		Settings struct {
			Placements []struct {
				Placement string `json:"placement"`
				Type      string `json:"message_type"`
			} `json:"placements"`
		} `json:"settings"`
	} `json:"extensions"`
}

// AddCanvasJSON registers a tool by Canvas's JSON configuration, active and
// with one deployment. Only Canvas takes it.
func (p *Platform) AddCanvasJSON(document []byte) (Tool, error) {
	if p.cfg.Kind != Canvas {
		return Tool{}, errors.New("only Canvas takes a JSON configuration")
	}
	var d canvasDocument
	if err := json.Unmarshal(document, &d); err != nil {
		return Tool{}, fmt.Errorf("the configuration is no JSON of Canvas's form: %w", err)
	}
	for name, missing := range map[string]bool{
		"title": d.Title == "", "description": d.Text == nil, "oidc_initiation_url": d.LoginURL == "",
		"target_link_uri": d.Target == "", "scopes": d.Scopes == nil, "extensions": len(d.Extensions) == 0,
		"public_jwk_url": d.KeysURL == "" && d.Keys == nil,
	} {
		if missing {
			return Tool{}, fmt.Errorf("the configuration lacks %s", name)
		}
	}
	for _, e := range d.Extensions {
		if e.Platform != "canvas.instructure.com" {
			return Tool{}, fmt.Errorf("extensions[].platform must be canvas.instructure.com, not %q", e.Platform)
		}
		for _, place := range e.Settings.Placements {
			if place.Type != ResourceLink && place.Type != DeepLinking {
				return Tool{}, fmt.Errorf("placement %q has the message_type %q", place.Placement, place.Type)
			}
		}
	}
	return p.AddTool(Tool{
		Name: d.Title, LoginURL: d.LoginURL, LaunchURLs: []string{d.Target}, KeysURL: d.KeysURL,
		Scopes: d.Scopes, Custom: d.Custom,
	}), nil
}
