package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"
)

// loginPatience bounds the way to the machine and logging in.
const loginPatience = 30 * time.Second

// dial logs in to the machine that --ssh names.
func (c *checkCmd) dial(ctx context.Context) (*ssh.Client, error) {
	user, address, err := splitLogin(c.SSH)
	if err != nil {
		return nil, err
	}
	config := &ssh.ClientConfig{User: user, Timeout: loginPatience, ClientVersion: "SSH-2.0-Labmark"}
	if config.HostKeyCallback, config.HostKeyAlgorithms, err = c.hostKeys(address); err != nil {
		return nil, err
	}
	auth, done, err := c.keys()
	if err != nil {
		return nil, err
	}
	defer done()
	config.Auth = auth
	conn, err := (&net.Dialer{Timeout: loginPatience}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--ssh %s: %w", c.SSH, err)
	}
	_ = conn.SetDeadline(time.Now().Add(loginPatience))
	connection, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("--ssh %s: %w", c.SSH, explainLogin(err, address))
	}
	_ = conn.SetDeadline(time.Time{})
	return ssh.NewClient(connection, channels, requests), nil
}

// splitLogin takes user@host[:port] apart; an IPv6 address with a port is in
// brackets.
func splitLogin(text string) (user, address string, err error) {
	user, host, ok := strings.Cut(text, "@")
	if !ok || user == "" || host == "" {
		return "", "", fmt.Errorf("--ssh %s: write it as USER@HOST or USER@HOST:PORT", text)
	}
	if _, _, err := net.SplitHostPort(host); err == nil {
		return user, host, nil
	}
	return user, net.JoinHostPort(strings.Trim(host, "[]"), "22"), nil
}

// hostKeys says which host keys are trusted, and which kinds to ask for: of a
// host with several keys only one may be known.
func (c *checkCmd) hostKeys(address string) (ssh.HostKeyCallback, []string, error) {
	if c.Insecure {
		return ssh.InsecureIgnoreHostKey(), nil, nil // as its help text says
	}
	files := c.KnownHosts
	if len(files) == 0 {
		for _, name := range []string{homeFile(".ssh/known_hosts"), "/etc/ssh/ssh_known_hosts"} {
			if _, err := os.Stat(name); err == nil {
				files = append(files, name)
			}
		}
	}
	known, err := knownhosts.New(files...)
	if err != nil {
		return nil, nil, err
	}
	// A key that nobody has: the error lists those that are known.
	var unknown *knownhosts.KeyError
	var kinds []string
	if errors.As(known(address, &net.TCPAddr{IP: net.IPv4zero}, noKey{}), &unknown) {
		for _, k := range unknown.Want {
			if kind := k.Key.Type(); kind == ssh.KeyAlgoRSA {
				kinds = append(kinds, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			} else {
				kinds = append(kinds, kind)
			}
		}
	}
	return known, kinds, nil
}

// noKey is no host's key.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return []byte("none") }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

// explainLogin says what to do about a login that failed.
func explainLogin(err error, address string) error {
	var unknown *knownhosts.KeyError
	if errors.As(err, &unknown) {
		if len(unknown.Want) > 0 {
			return fmt.Errorf("the host key is another than the known one, in %s line %d: somebody may be listening; nothing was sent",
				unknown.Want[0].Filename, unknown.Want[0].Line)
		}
		host, port, _ := net.SplitHostPort(address)
		return fmt.Errorf("the host key is not known; look at it and keep it by: ssh-keyscan -p %s %s >>~/.ssh/known_hosts", port, host)
	}
	if strings.Contains(err.Error(), "unable to authenticate") {
		return fmt.Errorf("the machine takes none of the keys: %w (see --identity)", err)
	}
	return err
}

// keys are those of ssh-agent and of files. done hangs up the agent.
func (c *checkCmd) keys() (auth []ssh.AuthMethod, done func(), err error) {
	done = func() {}
	files := c.Identity
	if len(files) == 0 {
		for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
			if name = homeFile(".ssh/" + name); fileThere(name) {
				files = append(files, name)
			}
		}
	}
	// One method with all keys: SSH tries a method only once.
	var signers []ssh.Signer
	if socket := os.Getenv("SSH_AUTH_SOCK"); socket != "" && len(c.Identity) == 0 {
		if conn, err := net.Dial("unix", socket); err == nil {
			done = func() { _ = conn.Close() }
			if held, err := agent.NewClient(conn).Signers(); err == nil {
				signers = held
			}
		}
	}
	var locked []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, done, err
		}
		signer, err := ssh.ParsePrivateKey(text)
		var needs *ssh.PassphraseMissingError
		switch {
		case errors.As(err, &needs):
			locked = append(locked, name)
		case err != nil:
			return nil, done, fmt.Errorf("%s: %w", name, err)
		default:
			signers = append(signers, signer)
		}
	}
	if len(signers) == 0 {
		done()
		if len(locked) > 0 {
			return nil, nil, fmt.Errorf("%s is locked by a passphrase: add it to ssh-agent (ssh-add %s)", locked[0], locked[0])
		}
		return nil, nil, errors.New("there is no key to log in with: start ssh-agent, or name one by --identity")
	}
	return []ssh.AuthMethod{ssh.PublicKeys(signers...)}, done, nil
}

func homeFile(name string) string {
	home, err := os.UserHomeDir()
	if err != nil {
		return "" // which is no file
	}
	return filepath.Join(home, name)
}

func fileThere(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
