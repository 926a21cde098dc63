package libvirt

import (
	"context"
	"strings"

	"github.com/digitalocean/go-libvirt"
)

// keepFromSweep marks what is being made.
func (b *Backend) keepFromSweep(names ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range names {
		b.making[name] = true
	}
}

func (b *Backend) letSweep(names ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range names {
		delete(b.making, name)
	}
}

func (b *Backend) isBeingMade(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.making[name]
}

// sweep removes what crashes have left: machines of half-made templates, disks
// of guests that are no more, and templates' files that nobody needs.
func (b *Backend) sweep() error {
	ctx, cancel := b.firm()
	defer cancel()
	// The files first: what is made after this look is not among them.
	files, err := b.pool.List(ctx)
	if err != nil {
		return err
	}
	needed, err := b.needed(ctx)
	if err != nil {
		return err
	}
	// Where there is no shell there are no such folders. A reader that waits
	// for a gateway which is no more is set free.
	_, _ = b.conn.Command(ctx, nil, `find "$1" -maxdepth 1 -name '.restore.*' -mmin +10 | while read -r d; do
		[ ! -p "$d/pipe" ] || : <>"$d/pipe"; rm -rf "$d"; done`, b.pool.Dir())
	for _, file := range files {
		if b.isBeingMade(file) || !b.isLitter(file, needed) {
			continue
		}
		b.log.Info("a file that nobody needs is removed", "file", file)
		if err := b.pool.Delete(ctx, file); err != nil {
			return err
		}
	}
	return nil
}

// needed names the guests that there are and the files that they, and
// templates, need. Machines of templates that nobody makes are ended.
func (b *Backend) needed(ctx context.Context) (map[string]bool, error) {
	domains, err := b.allDomains(ctx)
	if err != nil {
		return nil, err
	}
	needed := map[string]bool{}
	for _, dom := range domains {
		if b.isTemplate(dom.Name) {
			if !b.isBeingMade(dom.Name) {
				_ = b.conn.Call(ctx, "end a template's machine", func(l *libvirt.Libvirt) error { return l.DomainDestroyFlags(dom, 0) })
			}
			continue
		}
		r, err := b.recall(ctx, dom)
		if err != nil {
			return nil, err // whatever it is, it may need anything
		}
		needed[r.ID], needed[r.Base] = true, true
	}
	templates, err := b.allTemplates(ctx)
	for _, t := range templates {
		needed[t.Disk], needed[t.Memory] = true, true
	}
	return needed, err
}

func (b *Backend) isLitter(file string, needed map[string]bool) bool {
	if id, ok := ownerOf(file); ok {
		g := b.known(id)
		busy := g != nil && len(g.turn) == 0 // it may be about to be created
		return !busy && !needed[id]
	}
	isTemplates := strings.HasPrefix(file, "template-") && !strings.HasSuffix(file, ".json")
	return isTemplates && !needed[file]
}
