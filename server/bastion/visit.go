package bastion

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/store"
)

// Login is the user name of everybody at the bastion: the key says who one is.
// What follows a "+" says which guest is meant, see target.
const Login = "labmark"

// visit is one connection that has logged in.
type visit struct {
	b      *Bastion
	conn   ssh.Conn
	key    store.SSHKey
	target target
	open   [kinds]int // guarded by Bastion.mu
}

// serve serves one connection, and closes it.
func (b *Bastion) serve(ctx context.Context, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	who := from(conn.RemoteAddr())
	if !b.door.enter(who) {
		return
	}
	v := &visit{b: b}
	_ = conn.SetDeadline(time.Now().Add(loginLimit))
	server, channels, requests, err := ssh.NewServerConn(conn, b.login(ctx))
	b.door.leave(who, err == nil)
	if err != nil {
		b.cfg.Log.Debug("an SSH client did not log in", "from", conn.RemoteAddr(), "err", err)
		return
	}
	_ = conn.SetDeadline(time.Time{})
	v.conn, v.target = server, parseTarget(server.User())
	if !b.known(ctx, v, server.Permissions) {
		return
	}
	go refuseGlobal(requests)
	if !b.enter(v) {
		refuseAll(channels, "you have too many connections open: close some")
		return
	}
	defer b.leave(v)
	b.cfg.Log.Info("SSH client", "user", v.key.UserID, "key", v.key.Fingerprint, "from", conn.RemoteAddr())
	if err := b.cfg.Keys.NoteSSHKey(ctx, v.key.ID, time.Now()); err != nil {
		b.cfg.Log.Error("can't note that a key was used", "err", err)
	}
	v.serve(ctx, channels)
}

// login is the configuration of one connection's login. Only public keys are
// known; those of everybody are looked up by their fingerprints.
func (b *Bastion) login(ctx context.Context) *ssh.ServerConfig {
	told := false
	c := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-Labmark",
		MaxAuthTries:  authTries,
		PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if err := Acceptable(key); err != nil {
				return nil, err
			}
			if name, _, _ := strings.Cut(meta.User(), "+"); name != Login {
				return nil, &ssh.BannerError{Err: errors.New("another user name"),
					Message: "Labmark: the user name here is " + Login + ". Your key says who you are.\n"}
			}
			k, err := b.cfg.Keys.SSHKey(ctx, ssh.FingerprintSHA256(key))
			if errors.Is(err, store.ErrNotFound) && !told {
				told = true
				return nil, &ssh.BannerError{Err: errors.New("an unknown key"),
					Message: "Labmark: this key is nobody's here. Add its public half on your profile page.\n"}
			}
			if err != nil {
				return nil, err
			}
			return &ssh.Permissions{Extensions: map[string]string{fingerprint: k.Fingerprint}}, nil
		},
	}
	c.PublicKeyAuthAlgorithms = []string{ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256,
		ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512}
	c.AddHostKey(b.cfg.HostKey)
	return c
}

// fingerprint is what login hands on about the key.
const fingerprint = "fingerprint"

// known looks the key up again: it is the one that was proved, and it may have
// gone meanwhile.
func (b *Bastion) known(ctx context.Context, v *visit, p *ssh.Permissions) bool {
	if p == nil {
		return false
	}
	var err error
	v.key, err = b.cfg.Keys.SSHKey(ctx, p.Extensions[fingerprint])
	return err == nil
}

// serve opens what the client asks for, until the connection ends.
func (v *visit) serve(ctx context.Context, channels <-chan ssh.NewChannel) {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	work.Go(func() { v.watch(ctx) })
	for ch := range channels {
		switch ch.ChannelType() {
		case "session":
			work.Go(func() { v.counted(ctx, ch, sessions, v.session) })
		case "direct-tcpip":
			work.Go(func() { v.counted(ctx, ch, ports, v.forward) })
		default:
			_ = ch.Reject(ssh.Prohibited, "only sessions, files and ports of your own machine are served here")
		}
	}
}

func (v *visit) counted(ctx context.Context, ch ssh.NewChannel, k kind, serve func(context.Context, ssh.NewChannel)) {
	if !v.b.take(v, k) {
		_ = ch.Reject(ssh.ResourceShortage, "you have too many of these open: close some")
		return
	}
	defer v.b.give(v, k)
	serve(ctx, ch)
}

// watch ends the connection when its client no longer answers, or its key is no
// longer its user's.
func (v *visit) watch(ctx context.Context) {
	tick := time.NewTicker(v.b.cfg.Check)
	defer tick.Stop()
	defer func() { _ = v.conn.Close() }()
	answers := make(chan error, 1)
	silent, asked := 0, false
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-answers:
			if err != nil {
				return
			}
			silent, asked = 0, false
			continue
		case <-tick.C:
		}
		k, err := v.b.cfg.Keys.SSHKey(ctx, v.key.Fingerprint)
		if errors.Is(err, store.ErrNotFound) || err == nil && k.ID != v.key.ID {
			return
		}
		if silent++; silent > aliveLimit {
			return
		}
		if !asked {
			asked = true
			go func() {
				_, _, err := v.conn.SendRequest("keepalive@openssh.com", true, nil)
				answers <- err
			}()
		}
	}
}

// refuseGlobal answers keepalives, and refuses to listen for the client.
func refuseGlobal(requests <-chan *ssh.Request) {
	for r := range requests {
		if r.WantReply {
			_ = r.Reply(false, nil)
		}
	}
}

// refuseAll tells a client why nothing is opened, once.
func refuseAll(channels <-chan ssh.NewChannel, why string) {
	if ch, ok := <-channels; ok {
		_ = ch.Reject(ssh.ResourceShortage, why)
	}
}
