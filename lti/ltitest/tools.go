package ltitest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// Tool is one registration of a tool.
type Tool struct {
	ClientID    string   // empty: the platform gives one of its own kind
	Deployments []string // empty: one is given; launches name the first
	Name        string
	LoginURL    string   // initiate_login_uri
	LaunchURLs  []string // redirect_uris; the first is the usual target_link_uri
	KeysURL     string   // jwks_uri
	KeySet      []byte   // the tool's key set itself, instead of KeysURL
	Custom      map[string]string
	Scopes      []string // granted; nil means every scope
	// Pending tools have registered themselves and wait for an administrator:
	// they may neither launch nor ask for tokens.
	Pending bool
	// Number is Moodle's type_id, given by the platform.
	Number int
}

// AddTool registers a tool by hand, and gives it back with what was missing.
func (p *Platform) AddTool(t Tool) Tool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return *p.addTool(t)
}

func (p *Platform) addTool(t Tool) *Tool {
	t.Number = p.next()
	if p.cfg.Kind == Canvas {
		t.ClientID = cmp.Or(t.ClientID, fmt.Sprintf("1000000000%04d", t.Number))
	} else {
		t.ClientID = cmp.Or(t.ClientID, letters(15))
	}
	// An unfinished registration at Canvas has no deployment yet.
	if len(t.Deployments) == 0 && (p.cfg.Kind == Moodle || !t.Pending) {
		t.Deployments = []string{p.newDeployment(t.Number)}
	}
	p.tools = append(p.tools, &t)
	if len(p.tools) == 1 {
		p.adopt(t.ClientID)
	}
	return &t
}

// adopt gives the first tool the links that were there before it.
func (p *Platform) adopt(client string) {
	for _, l := range p.links {
		if l.Client == "" {
			l.Client = client
		}
	}
	for _, i := range p.items {
		if i.client == "" {
			i.client = client
		}
	}
}

// RemoveTool forgets a registration. Its links stay, and launch no more.
func (p *Platform) RemoveTool(client string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tools = slices.DeleteFunc(p.tools, func(t *Tool) bool { return t.ClientID == client })
}

func (p *Platform) newDeployment(number int) string {
	if p.cfg.Kind == Canvas {
		return fmt.Sprintf("%d:%s", number, randomHex(20))
	}
	return strconv.Itoa(number)
}

// Activate lets a pending tool launch.
func (p *Platform) Activate(client string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tool(client)
	if t == nil {
		return fmt.Errorf("no tool has the client id %q", client)
	}
	t.Pending = false
	if len(t.Deployments) == 0 {
		t.Deployments = []string{p.newDeployment(t.Number)}
	}
	return nil
}

// Tools are all registrations.
func (p *Platform) Tools() []Tool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return values(p.tools)
}
