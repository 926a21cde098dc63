// Package facts is the language of assert blocks: statements about a machine
// that are either so or not, and native code that finds out. It knows no course
// and no guest: the content package reads facts, the agent in a guest looks.
package facts

// Fact is one statement about a machine.
type Fact struct {
	// Kind is "file", "user", "group", "package", "service", "port", "process",
	// "command", "http", "mount" or "sysctl".
	Kind string `json:"kind"`
}
