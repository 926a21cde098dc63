package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/vmbackend/guestssh"
)

// What Tele-Lab's guests took: 30 User-Mode Linux guests in 1078 MB of memory
// and 306 MB of disk.
const (
	teleLabMemory = 35.9 // MB for each guest
	teleLabDisk   = 10.2 // MB for each guest
)

// class boots whole classes, lets everybody run a check in the same moment,
// and weighs the guests.
func (b *bench) class(ctx context.Context) error {
	for _, n := range b.classes {
		if err := b.classOf(ctx, n); err != nil {
			return fmt.Errorf("class of %d: %w", n, err)
		}
	}
	return nil
}

func (b *bench) classOf(ctx context.Context, n int) error {
	defer func() { _ = b.clear(context.WithoutCancel(ctx)) }()
	people := make([]person, n)
	for i := range people {
		var err error
		if people[i], err = b.person(fmt.Sprintf("class-%d", i)); err != nil {
			return err
		}
	}
	clients := make([]*ssh.Client, n)
	booted, err := timed(func() error {
		return together(people, runtime.NumCPU(), func(i int, p person) (err error) {
			if err = b.boot(ctx, p); err == nil {
				clients[i], err = guestssh.Connect(ctx, b.backend, p.spec.ID, "root", p.host, p.signer)
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	checked, err := timed(func() error {
		return together(people, n, func(i int, _ person) error {
			r := checks.Run(ctx, clients[i], checks.Script{ID: "class", Body: "test -d /home/student", PassMessage: "yes", Timeout: 2 * time.Minute})
			if r.Verdict != checks.Pass {
				return errors.New(r.Message)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	// One at a time is what the class is compared with.
	alone, err := timed(func() error {
		r := checks.Run(ctx, clients[0], checks.Script{ID: "alone", Body: "test -d /home/student", PassMessage: "yes"})
		if r.Verdict != checks.Pass {
			return errors.New(r.Message)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var memory, disk float64
	for _, p := range people {
		s, err := b.backend.Stats(ctx, p.spec.ID)
		if err != nil {
			return err
		}
		memory, disk = memory+float64(s.Memory)/1e6, disk+float64(s.Disk)/1e6
	}
	memory, disk = memory/float64(n), disk/float64(n)
	name := fmt.Sprintf("class of %d: ", n)
	first := b.result("guest: start to first command")
	b.add(Result{Name: name + "boot, for each guest", Unit: "s", Value: booted.Seconds() / float64(n), Reference: first.Value,
		Ratio: booted.Seconds() / float64(n) / first.Value, Goal: 1, Against: "a guest started alone"})
	b.add(Result{Name: name + "everybody's check at once, for each guest", Unit: "s", Value: checked.Seconds() / float64(n), Reference: alone.Seconds(),
		Ratio: checked.Seconds() / float64(n) / alone.Seconds(), Against: "one check in the same class while nobody else runs one"})
	b.add(Result{Name: name + "memory (PSS, with supervisor), for each guest", Unit: "MB", Value: memory, Reference: teleLabMemory,
		Ratio: memory / teleLabMemory, Goal: 1, Against: "Tele-Lab's 30 guests"})
	b.add(Result{Name: name + "disk, for each guest", Unit: "MB", Value: disk, Reference: teleLabDisk,
		Ratio: disk / teleLabDisk, Goal: 1, Against: "Tele-Lab's 30 guests"})
	for _, c := range clients {
		c.Close()
	}
	return nil
}

func (b *bench) result(name string) Result {
	for _, r := range b.results {
		if r.Name == name {
			return r
		}
	}
	return Result{}
}

// together runs f for all, so many at a time, and returns the first error.
func together(people []person, parallel int, f func(int, person) error) error {
	room := make(chan struct{}, parallel)
	errs := make([]error, len(people))
	var wg sync.WaitGroup
	for i, p := range people {
		room <- struct{}{}
		wg.Go(func() {
			errs[i] = f(i, p)
			<-room
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
