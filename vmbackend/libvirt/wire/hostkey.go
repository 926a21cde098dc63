package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// pinned is the one host key that a node may show.
type pinned struct{ key ssh.PublicKey }

func parseHostKey(line string) (pinned, error) {
	if strings.TrimSpace(line) == "" {
		return pinned{}, errors.New("the node's host key is missing; labmark node add asks the node for it, " +
			"or: ssh-keyscan -t ed25519 HOST")
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return pinned{}, fmt.Errorf("the node's host key %.40q is no line such as \"ssh-ed25519 AAAA…\": %w", line, err)
	}
	return pinned{key}, nil
}

// algorithms keeps the node from showing another one of its keys.
func (p pinned) algorithms() []string {
	if p.key.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{p.key.Type()}
}

func (p pinned) check(_ string, _ net.Addr, key ssh.PublicKey) error {
	if bytes.Equal(key.Marshal(), p.key.Marshal()) {
		return nil
	}
	return fmt.Errorf("the node shows the host key %s, not the known %s: either somebody is in between, or the node "+
		"was set up anew; if you are sure that it was, set its host key to: %s",
		ssh.FingerprintSHA256(key), ssh.FingerprintSHA256(p.key), line(key))
}

// line is a key in the form of authorized_keys.
func line(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// ScanHostKey asks the SSH server at address (host:port) for its host key,
// preferably an ed25519 one, and returns it in the form of authorized_keys.
// Nothing proves that it is the right one: show it to the administrator.
func ScanHostKey(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, openPatience)
	defer cancel()
	conn, err := dialTCP(ctx, address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	var seen ssh.PublicKey
	enough := errors.New("that was the key")
	_, _, _, err = ssh.NewClientConn(conn, address, &ssh.ClientConfig{
		User: "labmark",
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384,
			ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			seen = key
			return enough
		},
	})
	if seen == nil {
		return "", fmt.Errorf("%s shows no SSH host key: %w", address, errors.Join(err, ctx.Err()))
	}
	return line(seen), nil
}

// dialPatience is how long one attempt to reach a node may take. It is short:
// the next attempt finds a network that has come back sooner than the kernel's
// retries, whose pauses double.
const dialPatience = 4 * time.Second

func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialPatience}
	return d.DialContext(ctx, "tcp", address)
}
