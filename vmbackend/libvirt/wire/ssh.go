package wire

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
)

// sshWay reaches a node by one SSH connection, which carries everything. It
// outlives libvirtd: what goes to the guests does not notice when that dies.
type sshWay struct {
	target   target
	key      pinned
	identity string
	// turn is held by whoever looks at live or makes it.
	turn chan struct{}
	live *sshLive
	over context.Context // ends with close
	end  context.CancelFunc
	// commands bounds shells: sshd lets 10 run in one connection.
	commands chan struct{}
}

// sshLive is one connection.
type sshLive struct {
	client *ssh.Client
	raw    net.Conn
	dead   chan struct{}
	heard  atomic.Int64 // when it last answered, in Unix nanoseconds
}

func newSSH(t target, e Endpoint) (*sshWay, error) {
	key, err := parseHostKey(e.HostKey)
	if err != nil {
		return nil, err
	}
	w := &sshWay{target: t, key: key, identity: e.Identity, turn: make(chan struct{}, 1), commands: make(chan struct{}, 8)}
	if _, err := w.signer(); err != nil {
		return nil, err
	}
	w.over, w.end = context.WithCancel(context.Background())
	return w, nil
}

// signer is read anew for each connection: keys are changed.
func (w *sshWay) signer() (ssh.Signer, error) {
	content, err := os.ReadFile(w.identity)
	if err != nil {
		return nil, fmt.Errorf("the private key for the node: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(content)
	if err != nil {
		return nil, fmt.Errorf("the private key %s: %w (a key with a passphrase can't be used)", w.identity, err)
	}
	return signer, nil
}

// connection is the living one, or a new one.
func (w *sshWay) connection(ctx context.Context) (*sshLive, error) {
	select {
	case w.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w (%s): %w", vmbackend.ErrUnreachable, w.target, ctx.Err())
	}
	defer func() { <-w.turn }()
	if w.over.Err() != nil {
		return nil, fmt.Errorf("%w: the connection was closed here", vmbackend.ErrUnreachable)
	}
	if w.live != nil {
		select {
		case <-w.live.dead:
		default:
			return w.live, nil
		}
	}
	live, err := w.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w (%s): %w", vmbackend.ErrUnreachable, w.target, err)
	}
	w.live = live
	return live, nil
}

func (w *sshWay) dial(ctx context.Context) (*sshLive, error) {
	ctx, cancel := context.WithTimeout(ctx, openPatience)
	defer cancel()
	signer, err := w.signer()
	if err != nil {
		return nil, err
	}
	raw, err := dialTCP(ctx, w.target.address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	conn, channels, requests, err := ssh.NewClientConn(raw, w.target.address, &ssh.ClientConfig{
		User: w.target.user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: w.key.check, HostKeyAlgorithms: w.key.algorithms(),
	})
	if !stop() || err != nil {
		_ = raw.Close()
		return nil, explainSSH(err, ctx, w)
	}
	live := &sshLive{client: ssh.NewClient(conn, channels, requests), raw: raw, dead: make(chan struct{})}
	live.heard.Store(time.Now().UnixNano())
	go func() {
		_ = live.client.Wait()
		close(live.dead)
	}()
	go live.ask()
	go live.watch()
	return live, nil
}

// explainSSH says what the two usual refusals mean.
func explainSSH(err error, ctx context.Context, w *sshWay) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("the SSH server does not answer: %w", ctx.Err())
	case strings.Contains(err.Error(), "unable to authenticate"):
		return fmt.Errorf("the node does not let %s in with the key %s; add the public half to that user's "+
			"~/.ssh/authorized_keys on the node: %w", w.target.user, w.identity, err)
	case strings.Contains(err.Error(), "no common algorithm for host key"):
		return fmt.Errorf("the node has no host key of the known kind %s: either somebody is in between, or the node "+
			"was set up anew; if you are sure that it was, set its host key anew: %w", w.key.key.Type(), err)
	}
	return err
}

// ask lets something go back and forth all the time.
func (l *sshLive) ask() {
	for {
		if _, _, err := l.client.SendRequest("keepalive@openssh.com", true, nil); err != nil {
			return
		}
		l.heard.Store(time.Now().UnixNano())
		select {
		case <-l.dead:
			return
		case <-time.After(pingPause):
		}
	}
}

// watch ends the connection when nobody is there any more.
func (l *sshLive) watch() {
	for {
		select {
		case <-l.dead:
			return
		case <-time.After(pingPause):
		}
		if time.Since(time.Unix(0, l.heard.Load())) > hungPatience || deaf(l.raw) {
			_ = l.raw.Close()
			return
		}
	}
}

// close waits for a dial under way, which ends with over.
func (w *sshWay) close() {
	w.end()
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	if w.live != nil {
		_ = w.live.raw.Close()
		<-w.live.dead
	}
}
