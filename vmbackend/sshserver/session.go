package sshserver

import (
	"context"
	"io"

	"golang.org/x/crypto/ssh"
)

// Kind is what a session runs.
type Kind string

// The kinds, as RFC 4254 section 6.5 names their requests.
const (
	Exec      Kind = "exec"
	Shell     Kind = "shell"
	Subsystem Kind = "subsystem"
)

// limits on what a client can make the server keep for one session
const (
	maxEnv      = 128
	maxEnvBytes = 32 << 10
	// requestQueue is how many signals and resizes wait for a handler.
	requestQueue = 16
)

// Size is that of a terminal, in characters.
type Size struct{ Cols, Rows uint16 }

// Pty is the terminal that the client asked for.
type Pty struct {
	Term string
	Size Size
}

// Variable is one that the client set for the session.
type Variable struct{ Name, Value string }

// Session is one running exec, shell or subsystem. Reading from it yields the
// client's input up to io.EOF; writing goes to the client's standard output,
// and waits while the client does not read.
type Session struct {
	// User is the account that was logged in to.
	User string
	Kind Kind
	// Command is the command line of an exec, the name of a subsystem.
	Command string
	// Env is what the client set, in its order, unchecked.
	Env []Variable
	// Pty is nil when the client asked for no terminal.
	Pty *Pty

	ctx     context.Context
	channel ssh.Channel
	resizes chan Size
	signals chan string
}

// Context ends when the channel or the connection does.
func (s *Session) Context() context.Context { return s.ctx }

// Read reads the client's standard input.
func (s *Session) Read(p []byte) (int, error) { return s.channel.Read(p) }

// Write writes to the client's standard output.
func (s *Session) Write(p []byte) (int, error) { return s.channel.Write(p) }

// Stderr is the client's standard error.
func (s *Session) Stderr() io.Writer { return s.channel.Stderr() }

// Resizes delivers the terminal's new sizes; old ones that nobody took are
// dropped. It is never closed.
func (s *Session) Resizes() <-chan Size { return s.resizes }

// Signals delivers signal names without "SIG". It is never closed.
func (s *Session) Signals() <-chan string { return s.signals }

// Tell sends the client a request of Labmark's own, such as
// "kept-terminal@labmark". Clients that do not know it ignore it.
func (s *Session) Tell(name string, payload []byte) error {
	_, err := s.channel.SendRequest(name, false, payload)
	return err
}

// Getenv returns the last value set for name, or "".
func (s *Session) Getenv(name string) string {
	for i := len(s.Env) - 1; i >= 0; i-- {
		if s.Env[i].Name == name {
			return s.Env[i].Value
		}
	}
	return ""
}
