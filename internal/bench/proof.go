package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing/fstest"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/internal/proof"
)

// proved is a tutorial with a check, its solution and mistakes, as many are.
const proved = "---\ntitle: Proved\n---\n```check {#made}\ntest \"$(cat /root/note)\" = hello || fail \"Not there.\"\n```\n" +
	"```solve {for=made}\nmkdir -p /root/a\necho hello >/root/a/note\nmv /root/a/note /root/note\n```\n" +
	"```mistake {for=made expect=\"Not there\"}\necho >/root/note\n```\n```mistake {for=made expect=\"Not there\"}\ntouch /root/not\n```\n"

// proof measures "labmark test": what each fresh machine costs, with all that
// is run in it, against machines that are only booted by hand, one after the
// other.
func (b *bench) proof(ctx context.Context) error {
	course, findings := content.Load(fstest.MapFS{
		"course.yaml":          {Data: []byte("id: bench\ntitle: Bench\nguests:\n  lab: {image: debian-12}\n")},
		"tutorials/proved.md":  {Data: []byte(proved)},
		"tutorials/another.md": {Data: []byte(proved)},
	})
	if err := findings.Err(); err != nil {
		return err
	}
	lab := &proof.Guests{Backend: b.backend, Digest: func(string) (string, error) { return b.image.Digest, nil }}
	p, err := b.person("start")
	if err != nil {
		return err
	}
	dir := filepath.Join(b.dir, "proof")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	value := func() (time.Duration, error) {
		r, err := proof.Course(ctx, course, proof.Options{Lab: lab, Parallel: runtime.NumCPU(), Seed: "bench", Mutation: true})
		if bad := r.Bad(); err == nil && len(bad) > 0 {
			err = errors.New(bad[0].Message)
		}
		return r.Took / time.Duration(max(1, r.Guests)), err
	}
	reference := func() (time.Duration, error) { return b.byHand(ctx, p, dir) }
	err = b.pairs(Result{Name: "labmark test: a fresh machine with all that is tried in it", Goal: 2,
		Against: "the same image booted by hand, one after the other"}, b.rounds, value, reference)
	if err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	last := &b.results[len(b.results)-1]
	last.Rate = 1 / last.Value
	return nil
}
