// Package guestssh is the host's side of SSH into a guest: connections whose
// host key is verified exactly, and terminals that outlive them.
package guestssh

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"

	"golang.org/x/crypto/ssh"
)

// Dialer opens a stream to the SSH server inside the guest called id. A
// vmbackend.Backend is one.
type Dialer interface {
	Dial(ctx context.Context, id string) (net.Conn, error)
}

// NewHostKey draws a key pair for a guest's SSH server, or for whoever logs
// in. The private half is in OpenSSH's PEM form.
func NewHostKey() (private []byte, public ssh.PublicKey, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	block, err := ssh.MarshalPrivateKey(priv, "")
	if err != nil {
		return nil, nil, err
	}
	public, err = ssh.NewPublicKey(pub)
	return pem.EncodeToMemory(block), public, err
}

// Connect logs in to the guest called id as user, over a stream from d. It
// fails unless the guest proves that it has hostKey. ctx bounds dialling and
// login; afterwards it no longer matters. Close the client to end it.
func Connect(ctx context.Context, d Dialer, id, user string, hostKey ssh.PublicKey, signer ssh.Signer) (*ssh.Client, error) {
	conn, err := d.Dial(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("guest %s: %w", id, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, channels, requests, err := ssh.NewClientConn(conn, id, clientConfig(user, hostKey, signer))
	if !stop() {
		// The stream was closed under the login, or is about to be.
		if err == nil {
			_ = c.Close()
		}
		return nil, fmt.Errorf("guest %s: logging in as %s: %w", id, user, context.Cause(ctx))
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("guest %s: logging in as %s: %w", id, user, err)
	}
	return ssh.NewClient(c, channels, requests), nil
}

func clientConfig(user string, hostKey ssh.PublicKey, signer ssh.Signer) *ssh.ClientConfig {
	return &ssh.ClientConfig{
		User:              user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyAlgorithms: []string{hostKey.Type()},
		ClientVersion:     "SSH-2.0-Labmark",
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if !bytes.Equal(key.Marshal(), hostKey.Marshal()) {
				return fmt.Errorf("the guest shows the host key %s, expected is %s: it is not the guest that was started",
					ssh.FingerprintSHA256(key), ssh.FingerprintSHA256(hostKey))
			}
			return nil
		},
	}
}
