package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/internal/facts"
	"github.com/labmark/labmark/vmbackend/guestssh"
)

// facts measures thirty facts of an assert block against a raw exec on the
// same connection.
func (b *bench) facts(ctx context.Context) error {
	p, err := b.person("facts")
	if err != nil {
		return err
	}
	if err := b.boot(ctx, p); err != nil {
		return err
	}
	defer func() { _ = b.backend.Destroy(context.WithoutCancel(ctx), p.spec.ID) }()
	client, err := guestssh.Connect(ctx, b.backend, p.spec.ID, "root", p.host, p.signer)
	if err != nil {
		return err
	}
	defer client.Close()
	script := checks.Script{ID: "bench", Facts: thirtyFacts()}
	ask := round(func() error {
		r := checks.Run(ctx, client, script)
		if r.Verdict != checks.Pass {
			return errors.New(r.Message)
		}
		return nil
	})
	raw := round(func() error { return runIn(client, "test -d /etc") })
	return b.pairs(Result{Name: "facts: thirty in one round trip on the kept connection", Goal: 1.3, Against: "one raw exec on the same connection"},
		b.rounds, ask, raw)
}

// thirtyFacts hold on a fresh machine; they are of all kinds but those that
// need something to run.
func thirtyFacts() []facts.Fact {
	fact := func(kind, subject, field, value string) facts.Fact {
		return facts.Fact{Kind: kind, Subject: subject, Wants: []facts.Want{{Field: field, Value: facts.Value{Text: value}}}}
	}
	list := []facts.Fact{
		fact("user", "root", "uid", "0"), fact("user", "student", "home", "/home/student"), fact("user", "nobody-here", "exists", "false"),
		fact("group", "root", "gid", "0"), fact("group", "student", "exists", "true"), fact("package", "bash", "version", ">= 5"),
		fact("package", "coreutils", "installed", "true"), fact("package", "no-such-thing", "installed", "false"), fact("port", "80", "listening", "false"),
		fact("port", "22", "listening", "false"), fact("process", "nginx", "running", "false"), fact("mount", "/proc", "type", "proc"),
		fact("sysctl", "kernel.ostype", "value", "Linux"), fact("sysctl", "net.ipv4.ip_forward", "value", "/[01]/"), fact("service", "none", "running", "false"),
	}
	for i, path := range []string{"/etc/passwd", "/etc/group", "/etc/hosts", "/etc/hostname", "/etc/debian_version"} {
		list = append(list, fact("file", path, "mode", "0644"), fact("file", path, "owner", "root"), fact("file", fmt.Sprintf("/etc/no-%d", i), "exists", "false"))
	}
	return list
}
