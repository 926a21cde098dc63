package libvirt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/pool"
	"github.com/labmark/labmark/vmbackend/libvirt/savefile"
)

// template is a machine that was booted once, up to the point where its agent
// waits to be told who it is, and saved. The manifest in the pool is this, and
// says that the other files are whole. These have names of their own each time
// a template is made: guests are over the disk of an older one, and need it.
type template struct {
	Key   string `json:"key"`
	Image string `json:"image"` // digest
	// Disk and Memory are files of the pool. Nothing may write to Disk.
	Disk   string `json:"disk"`
	Memory string `json:"memory"`
	// DiskSize, MemorySize and SHA256, of the memory, are as they were saved.
	DiskSize   int64  `json:"disk_size"`
	MemorySize int64  `json:"memory_size"`
	SHA256     string `json:"sha256"`

	head savefile.Head
}

// templateLimit bounds the making of a template: a boot on a busy node.
const templateLimit = 20 * time.Minute

func shapeOf(s vmbackend.Spec) vmbackend.Shape {
	return vmbackend.Shape{Image: s.Image, Memory: s.Memory, Desktop: s.Desktop}
}

// Prepare makes the template of a shape, if it is not there.
func (b *Backend) Prepare(ctx context.Context, s vmbackend.Shape) error {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	_, err := b.template(ctx, s)
	if err != nil {
		return fmt.Errorf("prepare image %s: %w", s.Image, err)
	}
	return nil
}

func (b *Backend) template(ctx context.Context, s vmbackend.Shape) (template, error) {
	if s.Memory == 0 {
		s.Memory = b.cfg.Memory
	}
	key, err := b.templateKey(ctx, s)
	if err != nil {
		return template{}, err
	}
	return shared(ctx, b, b.templates, key, templateLimit, func(ctx context.Context) (template, error) {
		return b.findOrMake(ctx, s, key)
	})
}

// readyTemplate returns the template of a shape if it is there. If not, it is
// made in the background: guests that come later are clones.
func (b *Backend) readyTemplate(ctx context.Context, s vmbackend.Shape) (template, bool) {
	if b.cfg.NoTemplates {
		return template{}, false
	}
	key, err := b.templateKey(ctx, s)
	if err != nil {
		return template{}, false
	}
	j, err := begin(b, b.templates, key, templateLimit, func(ctx context.Context) (template, error) {
		t, err := b.findOrMake(ctx, s, key)
		if err != nil && b.life.Err() == nil {
			b.log.Warn("a template for instant guests could not be made", "image", s.Image, "error", err)
		}
		return t, err
	})
	if err != nil {
		return template{}, false
	}
	// One that was made before is found within a moment.
	select {
	case <-j.done:
	case <-time.After(lookPatience):
	case <-ctx.Done():
	}
	return j.result()
}

const lookPatience = 300 * time.Millisecond

// templateKey tells saved machines apart that cannot stand for each other:
// other content, other machine, other QEMU.
func (b *Backend) templateKey(ctx context.Context, s vmbackend.Shape) (string, error) {
	image, err := b.ensureImage(ctx, s.Image)
	if err != nil {
		return "", err
	}
	d, err := b.machine(ctx, s, image)
	if err != nil {
		return "", err
	}
	facts, err := b.facts(ctx)
	if err != nil {
		return "", err
	}
	text, err := d.XML()
	return short(text+image.Disk.SHA256+facts.libvirt+facts.qemu, 16), err
}

// templateMark stands in the names of templates' domains; base32 has no 0.
const templateMark = "0"

func (b *Backend) isTemplate(domain string) bool {
	return strings.HasPrefix(domain, b.prefix()+templateMark)
}

func (b *Backend) findOrMake(ctx context.Context, s vmbackend.Shape, key string) (template, error) {
	t, err := b.findTemplate(ctx, key)
	if err == nil {
		return t, nil
	}
	if errors.Is(err, vmbackend.ErrUnreachable) || ctx.Err() != nil {
		return t, err
	}
	if !pool.Is(err, libvirt.ErrNoStorageVol) {
		b.log.Warn("a template is damaged and is made anew", "template", key, "error", err)
		if err := b.deleteTemplate(ctx, key); err != nil {
			return t, err
		}
	}
	begun := time.Now()
	t = template{Key: key, Image: s.Image}
	stamp := "template-" + key + "-" + strconv.FormatInt(begun.UnixNano(), 36)
	t.Disk, t.Memory = stamp+".disk", stamp+".save"
	b.keepFromSweep(t.Disk, t.Memory, b.templateDomain(key).Name)
	defer b.letSweep(t.Disk, t.Memory, b.templateDomain(key).Name)
	t, err = b.makeTemplate(ctx, s, t)
	if err != nil {
		firm, cancel := b.firm()
		defer cancel()
		return t, errors.Join(err, b.pool.Delete(firm, t.Memory, t.Disk))
	}
	b.log.Info("guests can now be cloned", "image", s.Image, "memory", s.Memory, "template", key, "took", time.Since(begun))
	return t, nil
}

func (b *Backend) findTemplate(ctx context.Context, key string) (template, error) {
	var t template
	content, err := b.pool.Get(ctx, manifestOfTemplate(key))
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(content, &t); err != nil {
		return t, err
	}
	if err := b.checkTemplate(ctx, t); err != nil {
		return t, err
	}
	sum, err := b.pool.Sum(ctx, t.Memory)
	if err != nil {
		return t, err
	}
	if sum != t.SHA256 {
		return t, fmt.Errorf("%s is not what was saved", t.Memory)
	}
	return b.withHead(ctx, t)
}

// checkTemplate is what can be seen of a template without reading it.
func (b *Backend) checkTemplate(ctx context.Context, t template) error {
	for _, f := range []struct {
		file string
		size int64
	}{{t.Memory, t.MemorySize}, {t.Disk, t.DiskSize}} {
		length, _, err := b.pool.Size(ctx, f.file)
		if err != nil {
			return err
		}
		if length != f.size {
			return fmt.Errorf("%s has %d bytes, saved were %d", f.file, length, f.size)
		}
	}
	return nil
}

func (b *Backend) withHead(ctx context.Context, t template) (template, error) {
	var err error
	t.head, err = b.savedHead(ctx, t.Memory)
	return t, err
}

// savedHead reads what stands before QEMU's stream in a saved machine's file.
func (b *Backend) savedHead(ctx context.Context, file string) (savefile.Head, error) {
	header, err := b.pool.Part(ctx, file, 0, savefile.Size)
	if err != nil {
		return savefile.Head{}, err
	}
	length, err := savefile.Length(header)
	if err != nil {
		return savefile.Head{}, err
	}
	raw, err := b.pool.Part(ctx, file, 0, int64(length))
	if err != nil {
		return savefile.Head{}, err
	}
	return savefile.Parse(raw)
}

func manifestOfTemplate(key string) string { return "template-" + key + ".json" }

func (b *Backend) templateDomain(key string) libvirt.Domain {
	return b.named(b.prefix()+templateMark+key[:8], "template "+key)
}
