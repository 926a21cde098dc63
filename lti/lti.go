// Package lti is a tool's side of LTI 1.3 Advantage: launches from learning
// platforms, and the services that they offer for grades and rosters. It
// keeps nothing and serves nothing by itself; the server brings storage,
// pages and a clock.
//
// Names follow the 1EdTech specifications: LTI Core 1.3, Security Framework
// 1.0, Assignment and Grade Services 2.0, Names and Role Provisioning
// Services 2.0, Deep Linking 2.0, Dynamic Registration 1.0, Submission Review
// 1.0, Client Side postMessages and Platform Storage 0.1.
package lti

import (
	"crypto/rsa"
	"net/url"
	"slices"
	"time"
)

// Version is the one version of LTI messages that is spoken.
const Version = "1.3.0"

// AnyDeployment in Platform.Deployments stands for all that the platform names.
const AnyDeployment = "*"

// Platform is one registration of this tool at a learning platform. Issuer
// and ClientID together are unique.
type Platform struct {
	ID       uint // of the server's record
	Name     string
	Issuer   string
	ClientID string
	// AuthURL is the OIDC authorisation endpoint, TokenURL the OAuth 2 token
	// endpoint, KeysURL the JSON Web Key Set of the platform.
	AuthURL, TokenURL, KeysURL string
	// Audience of client assertions; empty means TokenURL.
	Audience string
	// Deployments are the deployment ids that may launch, or AnyDeployment.
	Deployments []string
	// Product is the platform's product_family_code: "moodle", "canvas", or
	// what it says of itself; empty where unknown.
	Product string
}

// Deploys says whether a deployment id is one of the platform's.
func (p Platform) Deploys(id string) bool {
	return p.lists(id) || slices.Contains(p.Deployments, AnyDeployment)
}

// lists says whether a deployment is named by its own id.
func (p Platform) lists(id string) bool {
	return id != AnyDeployment && slices.Contains(p.Deployments, id)
}

// Key is one of the tool's own RSA keys.
type Key struct {
	ID      string // kid
	Private *rsa.PrivateKey
	Created time.Time
}

// Endpoints are the tool's addresses that platforms are told.
type Endpoints struct {
	// Base is the public address of this server, without "/" at its end.
	Base *url.URL
}

// Paths below Endpoints.Base.
const (
	LoginPath    = "/lti/login"    // third-party-initiated login, GET and POST
	LaunchPath   = "/lti/launch"   // redirect_uri and target_link_uri, POST
	KeysPath     = "/lti/keys"     // the tool's JSON Web Key Set
	RegisterPath = "/lti/register" // dynamic registration, opened by the platform
	CanvasPath   = "/lti/canvas.json"
	IconPath     = "/lti/icon.svg"
)

// At is the address of one of the paths above.
func (e Endpoints) At(path string) string { return e.Base.JoinPath(path).String() }

// Scopes of the services that this tool uses.
const (
	ScopeLineItem         = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"
	ScopeLineItemReadOnly = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly"
	ScopeResult           = "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly"
	ScopeScore            = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
	ScopeRoster           = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
)

// Scopes are all of them, as registrations ask for them.
var Scopes = []string{ScopeLineItem, ScopeLineItemReadOnly, ScopeResult, ScopeScore, ScopeRoster}
