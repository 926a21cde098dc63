// Package lab says in the words of checks and vmbackend what a tutorial asks
// of its guests. The server, "labmark test" and "labmark check" share it, so
// that what was proved is what is run.
package lab

import (
	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/vmbackend/embedded"
)

// Tools are what checks bring along into guests.
var Tools = &checks.Tools{Toolbox: embedded.Toolbox, Agent: embedded.Agent}

// Check is a check as it is run for one student.
func Check(c *content.Check, values content.Values) checks.Script {
	return checks.Script{
		ID: c.ID, Lang: c.Lang, Body: c.Script, PassMessage: c.PassMessage, FailMessage: c.FailMessage,
		User: c.User, Timeout: c.Timeout, Vars: values,
		GuestTools: c.GuestTools, Facts: c.Facts, Whole: c.Whole, Tools: Tools,
	}
}
