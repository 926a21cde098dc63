// Package sshserver is the SSH server inside a guest. It serves one byte
// stream at a time, whatever carries it, and leaves what a session does to a
// Handler: real processes in the agent, scripted ones in a simulated guest.
//
// It knows public keys, sessions (exec, shell, subsystem) and, where the Handler
// can, connections to ports, and nothing else: no passwords, no listening for
// the client, no agent. Why a guest does not use its
// own sshd is told in docs/decisions/ssh-server-in-the-agent.md.
package sshserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// HandshakeTimeout bounds key exchange and login. A guest under load is slow.
const HandshakeTimeout = 2 * time.Minute

// maxSessions bounds the sessions and forwarded connections that one connection
// may have open.
const maxSessions = 128

// Handler does what a session asks for and returns how it ended. When it
// returns, the session is closed. It must return soon after s.Context() ends.
type Handler interface {
	Session(s *Session) Exit
}

// Subsystems is the ability of a Handler to run some; those of other handlers,
// and all that Subsystem does not know, are refused before they begin.
type Subsystems interface{ Subsystem(name string) bool }

// HandlerFunc is a Handler made of a function.
type HandlerFunc func(s *Session) Exit

// Session calls f.
func (f HandlerFunc) Session(s *Session) Exit { return f(s) }

// Exit is how a session ended: by an exit status, or by a signal if Signal is
// set (a name without "SIG", RFC 4254 section 6.10).
type Exit struct {
	Status uint32
	Signal string
	Core   bool
}

// Config is what a server needs. It must not change while connections use it.
type Config struct {
	HostKey ssh.Signer
	// AuthorizedKeys may log in as any user; whether there is such a user is
	// the Handler's business.
	AuthorizedKeys []ssh.PublicKey
	Handler        Handler
}

// ParseKeys reads a private host key (PEM) and authorized keys (a line each).
func ParseKeys(hostKey, authorized []byte) (ssh.Signer, []ssh.PublicKey, error) {
	signer, err := ssh.ParsePrivateKey(hostKey)
	if err != nil {
		return nil, nil, fmt.Errorf("the host key: %w", err)
	}
	var keys []ssh.PublicKey
	for len(bytes.TrimSpace(authorized)) > 0 {
		key, _, _, rest, err := ssh.ParseAuthorizedKey(authorized)
		if err != nil {
			return nil, nil, fmt.Errorf("authorized key %d: %w", len(keys)+1, err)
		}
		keys, authorized = append(keys, key), rest
	}
	if len(keys) == 0 {
		return nil, nil, errors.New("there is no authorized key")
	}
	return signer, keys, nil
}

// Serve serves one SSH connection on conn until it ends, ctx ends or the
// login fails. It returns when all sessions have returned, having closed conn.
// A connection that the client closed is no error.
func Serve(ctx context.Context, conn net.Conn, c Config) error {
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()

	late := time.AfterFunc(HandshakeTimeout, func() { _ = conn.Close() })
	server, channels, requests, err := ssh.NewServerConn(conn, c.ssh())
	late.Stop()
	if err != nil {
		return fmt.Errorf("ssh login: %w", err)
	}
	go refuseGlobal(requests)
	serveChannels(ctx, server.User(), channels, c.Handler)
	return nil
}

// ssh translates to x/crypto's configuration. The algorithms are the fastest
// good ones: the stream never leaves the machines that run Labmark.
func (c Config) ssh() *ssh.ServerConfig {
	s := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-Labmark",
		MaxAuthTries:  3,
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !c.authorized(key) {
				return nil, errors.New("this key is not authorized")
			}
			return nil, nil
		},
	}
	s.KeyExchanges = []string{ssh.KeyExchangeCurve25519}
	s.Ciphers = []string{ssh.CipherAES128GCM, ssh.CipherChaCha20Poly1305}
	s.AddHostKey(c.HostKey)
	return s
}

func (c Config) authorized(key ssh.PublicKey) bool {
	for _, k := range c.AuthorizedKeys {
		if bytes.Equal(k.Marshal(), key.Marshal()) {
			return true
		}
	}
	return false
}

// refuseGlobal answers keepalives, as OpenSSH does, with a refusal, and
// refuses to forward ports.
func refuseGlobal(requests <-chan *ssh.Request) {
	for r := range requests {
		if r.WantReply {
			_ = r.Reply(false, nil)
		}
	}
}

// serveChannels returns when the connection has ended and all its sessions
// have returned.
func serveChannels(ctx context.Context, user string, channels <-chan ssh.NewChannel, h Handler) {
	ctx, cancel := context.WithCancel(ctx)
	var sessions sync.WaitGroup
	room := make(chan struct{}, maxSessions)
	forwarder, _ := h.(Forwarder)
	for ch := range channels {
		serve := func() { serveSession(ctx, user, ch, h) }
		switch {
		case ch.ChannelType() == "session":
		case ch.ChannelType() == "direct-tcpip" && forwarder != nil:
			serve = func() { serveForward(ctx, user, ch, forwarder) }
		default:
			_ = ch.Reject(ssh.Prohibited, "only sessions are served here")
			continue
		}
		select {
		case room <- struct{}{}:
		default:
			_ = ch.Reject(ssh.ResourceShortage, "too many sessions on this connection")
			continue
		}
		sessions.Go(func() {
			defer func() { <-room }()
			serve()
		})
	}
	cancel()
	sessions.Wait()
}
