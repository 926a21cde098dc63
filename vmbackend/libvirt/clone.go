package libvirt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend/libvirt/domain"
	"github.com/labmark/labmark/vmbackend/libvirt/pool"
	"github.com/labmark/labmark/vmbackend/libvirt/savefile"
)

// launchClone makes the guest of a template's saved machine.
func (b *Backend) launchClone(ctx context.Context, g *guest, r record) error {
	t, err := b.template(ctx, shapeOf(r.Spec))
	if err != nil {
		return err
	}
	if t.Disk != r.Base {
		return errors.New("the template has been made anew since the guest was created")
	}
	if err := b.checkTemplate(ctx, t); err != nil {
		return err
	}
	done, err := inTurn(ctx, b.node.restores)
	if err != nil {
		return err
	}
	defer done()
	firm, cancel := b.firm()
	defer cancel()
	if err := b.write(firm, r); err != nil {
		return err
	}
	if err := b.restore(firm, r, saved{t.Memory, t.head}); err != nil {
		return err
	}
	b.join(g, r, true)
	return b.awaitRunning(ctx, g)
}

// saved is a machine's memory in the pool.
type saved struct {
	file string
	head savefile.Head
}

// restore brings a saved machine to life as guest r, running, with r's disk.
func (b *Backend) restore(ctx context.Context, r record, s saved) error {
	note, err := r.marshal()
	if err != nil {
		return err
	}
	dom := b.domainOf(r.ID)
	text, err := domain.Become(s.head.XML(), domain.Identity{
		Name: dom.Name, UUID: uuidText(dom.UUID), Title: "Labmark guest " + r.ID, Note: note, Disk: b.pool.Path(r.Disk),
	})
	if err != nil {
		return err
	}
	head, err := s.head.With(text)
	if err != nil {
		return err
	}
	fifo, err := b.makeFIFO(ctx, head)
	if err != nil { // no shell on the node, or no right to write there
		return b.restoreCopy(ctx, r, s, head)
	}
	return b.restoreFIFO(ctx, fifo, s, len(head))
}

// makeFIFO makes a folder with the new head and a pipe on the node.
func (b *Backend) makeFIFO(ctx context.Context, head []byte) (string, error) {
	out, err := b.conn.Command(ctx, bytes.NewReader(head),
		`set -e; umask 077; d=$(mktemp -d "$1/.restore.XXXXXX"); cat >"$d/head"; mkfifo "$d/pipe"; echo "$d"`, b.pool.Dir())
	return strings.TrimSpace(string(out)), err
}

// restoreFIFO lets libvirt read from a pipe into which the node's shell puts
// the new head and the rest of the saved file: nothing is copied.
func (b *Backend) restoreFIFO(ctx context.Context, folder string, s saved, headLength int) error {
	feed, stop := context.WithTimeout(b.life, rpcPatience)
	fed := make(chan error, 1)
	b.work.Go(func() {
		defer stop()
		_, err := b.conn.Command(feed, nil, feedScript, folder, b.pool.Path(s.file), strconv.Itoa(headLength))
		fed <- err
	})
	restored := make(chan error, 1)
	b.work.Go(func() {
		restored <- b.conn.Slow(ctx, "restore the saved machine", func(l *libvirt.Libvirt) error {
			return l.DomainRestoreFlags(folder+"/pipe", nil, uint32(libvirt.DomainSaveRunning))
		})
	})
	select {
	case err := <-restored:
		if err != nil {
			stop()
			b.dropFIFO(folder)
		}
		return err // the shell still removes the pipe
	case err := <-fed:
		if err != nil { // libvirt may wait for a first byte for ever
			b.dropFIFO(folder)
		}
		return errors.Join(<-restored, err)
	}
}

// feedScript feeds again when the reader goes after it has seen the head: newer
// libvirts look at a file before they read it.
const feedScript = `
for try in 1 2 3; do
	if { cat "$1/head" && dd if="$2" bs=256k skip="$3" iflag=skip_bytes status=none; } >"$1/pipe"; then
		rm -rf "$1"
		exit 0
	fi
done
rm -rf "$1"
exit 1`

const dropPatience = 10 * time.Second

// dropFIFO frees a reader that waits at the pipe, and removes it.
func (b *Backend) dropFIFO(folder string) {
	// Also after Close: libvirt would wait for ever.
	ctx, cancel := context.WithTimeout(context.Background(), dropPatience)
	defer cancel()
	_, err := b.conn.Command(ctx, nil, `[ ! -p "$1/pipe" ] || : <>"$1/pipe"; rm -rf "$1"`, folder)
	if err != nil {
		b.log.Warn("what a restore has left cannot be removed", "folder", folder, "error", err)
	}
}

// restoreCopy is the way without a shell: libvirt copies the saved file, whose
// head is then overwritten.
func (b *Backend) restoreCopy(ctx context.Context, r record, s saved, head []byte) error {
	file := guestFile(r.ID, r.Layer, "restore")
	if err := b.pool.Delete(ctx, file); err != nil {
		return err
	}
	err := b.pool.Copy(ctx, file, s.file)
	if err == nil {
		err = b.pool.Upload(ctx, file, bytes.NewReader(head), 0, int64(len(head)))
	}
	if err == nil {
		err = b.conn.Slow(ctx, "restore the saved machine", func(l *libvirt.Libvirt) error {
			return l.DomainRestoreFlags(b.pool.Path(file), nil, uint32(libvirt.DomainSaveRunning))
		})
	}
	if err != nil {
		err = fmt.Errorf("from a copy: %w", b.room(err))
	}
	return errors.Join(err, b.pool.Delete(ctx, file))
}

// dropTemplate forgets a template that gave no guest, so that it is made anew.
func (b *Backend) dropTemplate(key string) {
	b.mu.Lock()
	delete(b.templates, key)
	b.mu.Unlock()
	ctx, cancel := b.firm()
	defer cancel()
	if err := b.deleteTemplate(ctx, key); err != nil {
		b.log.Warn("a template cannot be removed", "template", key, "error", err)
	}
}

// deleteTemplate removes a template's manifest and memory.
func (b *Backend) deleteTemplate(ctx context.Context, key string) error {
	var t template
	content, err := b.pool.Get(ctx, manifestOfTemplate(key))
	if pool.Is(err, libvirt.ErrNoStorageVol) {
		return nil
	}
	files := []string{manifestOfTemplate(key)}
	if json.Unmarshal(content, &t) == nil && t.Memory != "" {
		files = append(files, t.Memory)
	}
	return errors.Join(err, b.pool.Delete(ctx, files...))
}

// dropTemplatesOf removes an image's templates. Their disks stay as long as
// guests are over them.
func (b *Backend) dropTemplatesOf(ctx context.Context, digest string) error {
	all, err := b.allTemplates(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.Image == digest {
			b.dropTemplate(t.Key)
		}
	}
	return b.sweep()
}

// allTemplates reads the manifests in the pool; damaged ones are left out.
func (b *Backend) allTemplates(ctx context.Context) ([]template, error) {
	files, err := b.pool.List(ctx)
	if err != nil {
		return nil, err
	}
	var all []template
	for _, file := range files {
		if !strings.HasPrefix(file, "template-") || !strings.HasSuffix(file, ".json") {
			continue
		}
		content, err := b.pool.Get(ctx, file)
		if err != nil {
			return nil, err
		}
		var t template
		if json.Unmarshal(content, &t) == nil {
			all = append(all, t)
		}
	}
	return all, nil
}
