package lti

import (
	"maps"
	"slices"
	"strings"
)

// readServices are the addresses for grades and members (AGS 2.0, section
// 3.1; NRPS 2.0, section 3.6.1). Our tokens will go there.
func readServices(m *Message, c object) *Refusal {
	addresses := map[string]string{}
	if c.has(claimAGS + "endpoint") {
		grades := c.object(claimAGS + "endpoint")
		m.Grades = &GradeService{Scopes: grades.list("scope"), LineItems: grades.address("lineitems"), LineItem: grades.address("lineitem")}
		addresses["lineitems"], addresses["lineitem"] = m.Grades.LineItems, m.Grades.LineItem
	}
	if roster := c.object(claimNRPS + "namesroleservice"); roster.has("context_memberships_url") {
		m.Roster = &RosterService{Memberships: roster.address("context_memberships_url")}
		addresses["context_memberships_url"] = m.Roster.Memberships
	}
	for _, name := range slices.Sorted(maps.Keys(addresses)) {
		if address := addresses[name]; address != "" && !secure(address) {
			return refuse(ReasonServiceAddress, m.Platform, "%s is %s, which is not https", name, quoted(address))
		}
	}
	return nil
}

// readLinking are the settings of a deep linking request (Deep Linking 2.0,
// section 4.4.1.8).
func readLinking(m *Message, c object) *Refusal {
	if m.Type != DeepLinkingRequest {
		return nil
	}
	if !c.has(claimDL + "deep_linking_settings") {
		return refuse(ReasonLinkingMissing, m.Platform, "the message has no deep_linking_settings")
	}
	set := c.object(claimDL + "deep_linking_settings")
	m.Linking = &LinkingSettings{
		ReturnURL: set.address("deep_link_return_url"), Types: set.list("accept_types"),
		Multiple: set.flag("accept_multiple", false), LineItems: set.flag("accept_lineitem", true),
		Data: set.text("data"), Title: set.label("title", longestLabel),
	}
	switch {
	case c.fault.reason != "":
		return nil // told by the caller
	case !secure(m.Linking.ReturnURL):
		return refuse(ReasonLinkingReturn, m.Platform, "deep_link_return_url is %s", quoted(m.Linking.ReturnURL))
	case !slices.Contains(m.Linking.Types, typeResourceLink):
		return refuse(ReasonLinkingTypes, m.Platform, "accept_types are %s", quoted(strings.Join(m.Linking.Types, " ")))
	case len(m.Linking.Data) > longestData:
		return refuse(ReasonClaimTooLong, m.Platform, "deep_linking_settings data has %d bytes", len(m.Linking.Data))
	}
	return nil
}
