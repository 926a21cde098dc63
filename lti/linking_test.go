package lti

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// request is a deep linking request as the server has kept it.
func request(multiple, lineItems bool) *Message {
	return &Message{Platform: moodlePlatform, Type: DeepLinkingRequest, Deployment: "7",
		Linking: &LinkingSettings{ReturnURL: "https://moodle.example.edu/return", Types: []string{"ltiResourceLink"}, Multiple: multiple, LineItems: lineItems, Data: "csrf=1&é"}}
}

func item(title string) ContentItem {
	from, due := time.Date(2026, 11, 23, 8, 0, 0, 0, time.FixedZone("", 3600)), time.Date(2026, 12, 1, 22, 59, 0, 0, time.UTC)
	return ContentItem{Title: title, Text: "What may be done", URL: testBase + LaunchPath, Custom: map[string]string{"tutorial": "linux/permissions"},
		LineItem:  &ContentLineItem{Label: title, ScoreMaximum: 12.5, ResourceID: "linux/permissions", Tag: "labmark", Review: true},
		Available: &Window{Start: &from}, Submission: &Window{End: &due}, NewWindow: true, Frame: &Frame{900, 700}}
}

func TestLinkingResponse(t *testing.T) {
	now := time.Unix(1795320403, 0)
	token, err := LinkingResponse(toolKey(), request(true, true), []ContentItem{item("Permissions"), item("Processes")}, "2 tutorials were added", now)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	if header := jws.Signatures[0].Header; header.KeyID != toolKey().ID || header.ExtraHeaders["typ"] != "JWT" || header.JSONWebKey != nil {
		t.Errorf("header is %+v", header)
	}
	payload, err := jws.Verify(&toolKey().Private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(payload, &got); err != nil {
		t.Fatal(err)
	}
	if nonce, _ := got["nonce"].(string); len(nonce) < 20 {
		t.Errorf("nonce is %v", got["nonce"])
	}
	items := got[claimDL+"content_items"].([]any)
	delete(got, "nonce")
	delete(got, claimDL+"content_items")
	want := map[string]any{"iss": moodlePlatform.ClientID, "aud": moodlePlatform.Issuer, "iat": 1795320343.0, "exp": 1795320703.0,
		claimLTI + "version": "1.3.0", claimLTI + "message_type": "LtiDeepLinkingResponse", claimLTI + "deployment_id": "7",
		claimDL + "data": "csrf=1&é", claimDL + "msg": "2 tutorials were added"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	first := map[string]any{"type": "ltiResourceLink", "title": "Permissions", "text": "What may be done", "url": testBase + LaunchPath,
		"custom": map[string]any{"tutorial": "linux/permissions"},
		"lineItem": map[string]any{"label": "Permissions", "scoreMaximum": 12.5, "resourceId": "linux/permissions", "tag": "labmark",
			"submissionReview": map[string]any{"reviewableStatus": []any{"InProgress", "Submitted", "Completed"}}},
		"available": map[string]any{"startDateTime": "2026-11-23T07:00:00Z"}, "submission": map[string]any{"endDateTime": "2026-12-01T22:59:00Z"},
		"window": map[string]any{"targetName": "_blank"}, "iframe": map[string]any{"width": 900.0, "height": 700.0}}
	if len(items) != 2 || !reflect.DeepEqual(items[0], first) {
		t.Errorf("items are %v", items)
	}
}

func TestLinkingResponseKeepsToWhatIsAccepted(t *testing.T) {
	now := time.Unix(1795320403, 0)
	if _, err := LinkingResponse(toolKey(), request(false, true), []ContentItem{item("a"), item("b")}, "", now); err == nil {
		t.Error("two items went to a platform that takes one")
	}
	if _, err := LinkingResponse(toolKey(), &Message{Type: ResourceLinkRequest}, nil, "", now); err == nil {
		t.Error("a response without a request")
	}
	for _, bad := range []ContentItem{{URL: testBase}, {Title: "a"}, {Title: "a", URL: testBase, LineItem: &ContentLineItem{}}} {
		if _, err := LinkingResponse(toolKey(), request(true, true), []ContentItem{bad}, "", now); err == nil {
			t.Errorf("%+v was sent", bad)
		}
	}
	token, err := LinkingResponse(toolKey(), request(true, false), []ContentItem{item("a")}, "", now)
	if err != nil {
		t.Fatal(err)
	}
	payload, _ := unpadded.DecodeString(strings.Split(token, ".")[1])
	if strings.Contains(string(payload), "lineItem") {
		t.Error("a line item went to a platform that takes none")
	}
	if token, err = LinkingResponse(toolKey(), request(true, true), nil, "", now); err != nil {
		t.Fatal(err)
	}
	payload, _ = unpadded.DecodeString(strings.Split(token, ".")[1])
	if !strings.Contains(string(payload), `content_items":[]`) {
		t.Errorf("nothing chosen is told as %s", payload)
	}
}

func TestCanvasConfiguration(t *testing.T) {
	base, _ := url.Parse("http://localhost:8080/labs")
	var got struct {
		Init       string            `json:"oidc_initiation_url"`
		Target     string            `json:"target_link_uri"`
		Keys       string            `json:"public_jwk_url"`
		Scopes     []string          `json:"scopes"`
		Custom     map[string]string `json:"custom_fields"`
		Extensions []struct {
			Domain, Privacy string
			Settings        struct{ Placements []map[string]any }
		}
	}
	if err := json.Unmarshal(CanvasConfiguration(Endpoints{Base: base}, "Labmark", "Labs"), &got); err != nil {
		t.Fatal(err)
	}
	if got.Init != "http://localhost:8080/labs/lti/login" || got.Target != "http://localhost:8080/labs/lti/launch" ||
		got.Keys != "http://localhost:8080/labs/lti/keys" || len(got.Scopes) != len(Scopes) || got.Custom["canvas_user_id"] != "$Canvas.user.id" {
		t.Errorf("got %+v", got)
	}
	ext := got.Extensions[0]
	if ext.Domain != "localhost:8080" || len(ext.Settings.Placements) != 2 || ext.Settings.Placements[0]["message_type"] != "LtiDeepLinkingRequest" {
		t.Errorf("extension is %+v", ext)
	}
	for _, setting := range ManualSettings(Endpoints{Base: base}) {
		if setting.Name == "" || setting.Value == "" {
			t.Errorf("a setting is empty: %+v", setting)
		}
	}
}

func TestAddressesBelowASubfolder(t *testing.T) {
	base, _ := url.Parse("https://Uni.example.edu:443/labs")
	e := Endpoints{Base: base}
	for address, want := range map[string]bool{
		"https://uni.example.edu/labs": true, "https://uni.example.edu/labs/": true, "https://uni.example.edu/labs/lti/launch?x=1": true,
		"https://uni.example.edu/labsabotage": false, "https://uni.example.edu/": false, "https://uni.example.edu/labs/../admin": false,
		"https://uni.example.edu/labs/%2e%2e/admin": false, "//uni.example.edu/labs": false, "https://uni.example.edu:8443/labs": false,
		"https://uni.example.edu.evil.example/labs": false, "%": false,
	} {
		if _, ok := e.below(address); ok != want {
			t.Errorf("%s: %v, want %v", address, ok, want)
		}
	}
	if got := (&Tool{Endpoints: e}).cookie(state{ID: "x"}, "s", 1).Path; got != "/labs/lti/" {
		t.Errorf("the cookie's path is %s", got)
	}
}

func TestSecureAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"https://uni.example.edu/x": true, "http://localhost:8080": true, "http://127.0.0.1/": true, "http://[::1]:8080/": true,
		"http://lms.localhost/": true, "https://10.0.0.7/": true,
		"http://uni.example.edu/": false, "http://localhost.evil.example/": false, "http://127.0.0.1.evil.example/": false,
		"https://": false, "https:///x": false, "/x": false, "": false, "ftp://uni.example.edu/": false, "https://a@uni.example.edu/": false,
		"https://169.254.169.254/": false, "https://[fe80::1]/": false, "https://0.0.0.0/": false, "http://[::]/": false,
		"data:text/html,x": false, "https:uni.example.edu": false,
	} {
		if got := secure(address); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}
