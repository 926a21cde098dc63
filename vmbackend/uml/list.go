package uml

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/uml/shim"
)

// List reads the folders and asks the supervisors.
func (b *Backend) List(ctx context.Context) ([]vmbackend.Guest, error) {
	ids, err := b.ids()
	if err != nil {
		return nil, err
	}
	var list []vmbackend.Guest
	for _, id := range ids {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		r, err := b.readRecord(id)
		if errors.Is(err, vmbackend.ErrNoGuest) {
			continue
		}
		if err != nil {
			// A guest whose record is damaged is still there to be destroyed.
			r.Image = ""
		}
		g, err := b.handle(id)
		if err != nil {
			return nil, err
		}
		state, since := b.stateOf(ctx, g)
		list = append(list, vmbackend.Guest{ID: id, State: state, Image: r.Image, Labels: r.Labels, Since: since})
	}
	slices.SortFunc(list, func(a, b vmbackend.Guest) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

// stateOf says what the guest does: what its supervisor says if there is one,
// else what the last one has left behind.
func (b *Backend) stateOf(ctx context.Context, g *guest) (vmbackend.State, time.Time) {
	err := b.glance(ctx, g)
	if now := g.now(); now.alive() {
		return now.State, now.Since
	}
	if err != nil && !errors.Is(err, errNotRunning) {
		b.cfg.Log.Warn("a guest cannot be asked", "guest", g.id, "error", err)
		return vmbackend.Running, time.Time{} // something holds it; Stop would end that
	}
	folder := b.folder(g.id)
	var end shim.Event
	if content, err := os.ReadFile(filepath.Join(folder, shim.EndFile)); err == nil && json.Unmarshal(content, &end) == nil {
		return vmbackend.Stopped, end.Since
	}
	if info, err := os.Stat(filepath.Join(folder, startFile)); err == nil {
		return vmbackend.Stopped, info.ModTime()
	}
	info, err := os.Stat(filepath.Join(folder, recordFile))
	if err != nil {
		return vmbackend.Created, time.Time{}
	}
	return vmbackend.Created, info.ModTime()
}

// Watch hands on what is noted of guests.
func (b *Backend) Watch(ctx context.Context) <-chan vmbackend.Event { return b.watchers.Add(ctx) }
