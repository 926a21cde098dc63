package uml

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestlink"
	"github.com/labmark/labmark/vmbackend/uml/bare"
)

// firstCommand logs in and runs one command.
func firstCommand(ctx context.Context, k keys, dial func(context.Context, string) (net.Conn, error)) error {
	conn, err := dial(ctx, k.spec.ID)
	if err != nil {
		return err
	}
	defer conn.Close()
	c, channels, requests, err := ssh.NewClientConn(conn, k.spec.ID, &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(k.client)},
		HostKeyCallback: ssh.FixedHostKey(k.host.PublicKey()),
	})
	if err != nil {
		return err
	}
	client := ssh.NewClient(c, channels, requests)
	defer func() { _ = client.Close() }()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	out, err := session.Output("echo ready")
	if err == nil && string(out) != "ready\n" {
		err = fmt.Errorf("the guest said %q", out)
	}
	return err
}

// BenchmarkStart measures from power-on to the first command's output, by the
// backend (jailed, supervised, with a network) and by hand, turn about.
func BenchmarkStart(b *testing.B) {
	backend := newBackend(b, b.TempDir())
	k := newKeys(b, "start", "debian-12")
	img, err := backend.cfg.Images.ByDigest(k.spec.Image)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("labmark", func(b *testing.B) {
		for b.Loop() {
			err := errors.Join(backend.Create(b.Context(), k.spec), backend.Start(b.Context(), k.spec.ID),
				firstCommand(b.Context(), k, backend.Dial))
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if err := backend.Destroy(b.Context(), k.spec.ID); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	})
	b.Run("by-hand", func(b *testing.B) {
		dir := b.TempDir()
		for b.Loop() {
			guest, err := bare.Start(b.Context(), bare.Config{
				Kernel: backend.parts.kernel, Initrd: backend.parts.initrd, Image: img.Path, Dir: dir, Memory: defaultMemory,
				Personal: guestlink.Personal{Hostname: "start", HostKey: k.spec.HostKey, AuthorizedKey: k.spec.AuthorizedKey},
			})
			if err == nil {
				err = firstCommand(b.Context(), k, guest.Dial)
			}
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			guest.Kill()
			b.StartTimer()
		}
	})
}

// BenchmarkDestroy measures the end of a running guest.
func BenchmarkDestroy(b *testing.B) {
	backend := newBackend(b, b.TempDir())
	for b.Loop() {
		b.StopTimer()
		started(b, backend, "end")
		b.StartTimer()
		if err := backend.Destroy(b.Context(), "end"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGuests starts many guests at once, runs a command in each, and
// reports what each takes of memory (PSS, supervisor included) and of disk.
func BenchmarkGuests(b *testing.B) {
	for _, guests := range []int{30, 140} {
		b.Run(strconv.Itoa(guests), func(b *testing.B) {
			backend := newBackend(b, b.TempDir())
			for b.Loop() {
				measureCrowd(b, backend, guests)
			}
		})
	}
}

func measureCrowd(b *testing.B, backend *Backend, guests int) {
	all := make([]keys, guests)
	for i := range all {
		all[i] = newKeys(b, fmt.Sprintf("dense-%d", i), "debian-12")
		all[i].spec.Memory = 64 << 20
	}
	var wg sync.WaitGroup
	for _, k := range all {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
			defer cancel()
			err := backend.Create(ctx, k.spec)
			if err == nil {
				err = backend.Start(ctx, k.spec.ID)
			}
			if err == nil {
				err = firstCommand(ctx, k, backend.Dial)
			}
			if err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	defer b.StartTimer()
	var memory, disk int64
	for _, k := range all {
		s, err := backend.Stats(b.Context(), k.spec.ID)
		if err != nil {
			b.Fatal(err)
		}
		memory, disk = memory+s.Memory, disk+s.Disk
	}
	for _, k := range all {
		if err := backend.Destroy(b.Context(), k.spec.ID); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(memory)/float64(guests)/1e6, "MB/guest")
	b.ReportMetric(float64(disk)/float64(guests)/1e3, "disk-KB/guest")
}

// BenchmarkNetwork measures between two guests on one network: the time of a
// ping, and how much a stream carries. memory-B is what a card takes in both
// supervisors and kernels together.
func BenchmarkNetwork(b *testing.B) {
	backend := newBackend(b, b.TempDir())
	var guests []keys
	for i, id := range []string{"one", "two", "plain"} {
		k := newKeys(b, id, "debian-12")
		if id != "plain" {
			k.spec.Cards = []vmbackend.Card{{Network: "lab", Name: "lan", MAC: fmt.Sprintf("02:4c:00:00:00:%02x", i),
				Addresses: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 77, 1, byte(i + 1)}), 24)}}}
		}
		if err := errors.Join(backend.Create(b.Context(), k.spec), backend.Start(b.Context(), id)); err != nil {
			b.Fatal(err)
		}
		k.run(b, backend, "true")
		guests = append(guests, k)
	}
	card, err := backend.Stats(b.Context(), "one")
	if err != nil {
		b.Fatal(err)
	}
	plain, err := backend.Stats(b.Context(), "plain")
	if err != nil {
		b.Fatal(err)
	}
	const stream = 16 << 20 // bytes
	for b.Loop() {
		out := guests[0].run(b, backend, "ping -q -c 300 -i 0.01 10.77.1.2")
		var least, mean, most, deviation float64
		if _, err := fmt.Sscanf(out[strings.LastIndex(out, "= ")+2:], "%f/%f/%f/%f", &least, &mean, &most, &deviation); err != nil {
			b.Fatalf("%s: %v", out, err)
		}
		b.ReportMetric(least, "least-ms")
		b.ReportMetric(mean, "mean-ms")
		guests[1].run(b, backend, "nohup nc -l -p 5000 >/dev/null 2>&1 &")
		begin := time.Now()
		guests[0].run(b, backend, fmt.Sprintf("until head -c %d /dev/zero | nc -N 10.77.1.2 5000; do sleep 0.1; done", stream))
		b.ReportMetric(stream*8/1e6/time.Since(begin).Seconds(), "Mbit/s")
	}
	b.ReportMetric(float64(card.Memory-plain.Memory), "memory-B")
}
