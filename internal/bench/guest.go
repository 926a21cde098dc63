package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestlink"
	"github.com/labmark/labmark/vmbackend/guestssh"
	"github.com/labmark/labmark/vmbackend/uml/bare"
)

// benchMemory is the RAM of every guest here, in bytes: as in Tele-Lab's time.
const benchMemory = 64 << 20

// person is one guest with the keys to it.
type person struct {
	spec   vmbackend.Spec
	host   ssh.PublicKey
	signer ssh.Signer
}

func (b *bench) person(id string) (person, error) {
	hostPEM, host, err := guestssh.NewHostKey()
	if err != nil {
		return person{}, err
	}
	clientPEM, _, err := guestssh.NewHostKey()
	if err != nil {
		return person{}, err
	}
	signer, err := ssh.ParsePrivateKey(clientPEM)
	if err != nil {
		return person{}, err
	}
	return person{host: host, signer: signer, spec: vmbackend.Spec{ID: id, Image: b.image.Digest, Memory: benchMemory,
		HostKey: hostPEM, AuthorizedKey: ssh.MarshalAuthorizedKey(signer.PublicKey())}}, nil
}

// boot creates and starts the guest.
func (b *bench) boot(ctx context.Context, p person) error {
	if err := b.backend.Create(ctx, p.spec); err != nil {
		return err
	}
	return b.backend.Start(ctx, p.spec.ID)
}

// command logs in by a new connection and runs a command.
func (p person) command(ctx context.Context, d guestssh.Dialer, command string) error {
	client, err := guestssh.Connect(ctx, d, p.spec.ID, "root", p.host, p.signer)
	if err != nil {
		return err
	}
	defer client.Close()
	return runIn(client, command)
}

func runIn(client *ssh.Client, command string) error {
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	return session.Run(command)
}

// start measures power-on to the first command's end: through the backend,
// jailed and supervised, against the same kernel and image by hand.
func (b *bench) start(ctx context.Context) error {
	p, err := b.person("start")
	if err != nil {
		return err
	}
	dir := filepath.Join(b.dir, "bare")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return b.pairs(Result{Name: "guest: start to first command",
		Against: "the same kernel and image started by hand, without jail and supervisor"}, b.rounds,
		func() (time.Duration, error) {
			took, err := timed(func() error {
				if err := b.boot(ctx, p); err != nil {
					return err
				}
				return p.command(ctx, b.backend, "true")
			})
			if err != nil {
				return 0, err
			}
			return took, b.backend.Destroy(ctx, p.spec.ID)
		},
		func() (time.Duration, error) { return b.byHand(ctx, p, dir) })
}

func (b *bench) byHand(ctx context.Context, p person, dir string) (time.Duration, error) {
	var guest *bare.Guest
	took, err := timed(func() (err error) {
		guest, err = bare.Start(ctx, bare.Config{Kernel: b.backend.Kernel(), Initrd: b.backend.Initrd(), Image: b.image.Path,
			Dir: dir, Memory: benchMemory, Personal: guestlink.Personal{Hostname: "start", HostKey: p.spec.HostKey,
				AuthorizedKey: p.spec.AuthorizedKey}})
		if err != nil {
			return err
		}
		return p.command(ctx, guest, "true")
	})
	if guest != nil {
		guest.Kill()
	}
	if err != nil {
		return 0, fmt.Errorf("guest by hand: %w", err)
	}
	return took, nil
}
