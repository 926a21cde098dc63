package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/lms"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
)

// settingsFiles looks at those that were read, and at those that could not be:
// they count as missing.
func (d *doctor) settingsFiles(context.Context) (out []vmbackend.Finding) {
	for _, name := range defaultConfigFiles() {
		f, err := os.Open(name)
		if err == nil {
			f.Close()
		} else if !errors.Is(err, fs.ErrNotExist) {
			out = append(out, bad(name, "let the account that runs Labmark read it: chgrp labmark, chmod 640", "it counts as missing: %v", err))
		}
	}
	for _, err := range d.files.faults {
		out = append(out, bad("files", "mend the file: labmark config lists all settings", "%v", err))
	}
	for _, f := range d.files.read {
		info, err := os.Stat(f.name)
		secret := f.values["hook-secret"] != nil || f.values["database"] != nil
		if err == nil && secret && info.Mode()&0o004 != 0 {
			out = append(out, fair(f.name, "chmod 640 "+f.name, "everybody on this machine may read it, and it holds secrets"))
			continue
		}
		out = append(out, fine(f.name, "%s", count(len(f.values), "setting")))
	}
	if len(out) == 0 {
		out = append(out, fine("files", "there are none: all is as usual, or told by flags and variables"))
	}
	return out
}

// What a gateway needs in its data folder, in bytes.
const (
	tightRoom = 5 << 30
	leastRoom = 500 << 20
)

func (d *doctor) dataFolder(context.Context) (out []vmbackend.Finding) {
	dir := d.settings.DataDir
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return []vmbackend.Finding{fair("folder", "labmark serve makes it, at the first start", "%s is not there yet", dir)}
	}
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no folder", dir)
	}
	if err != nil {
		return []vmbackend.Finding{bad("folder", "name another by --data-dir", "%v", err)}
	}
	out = append(out, rights(dir, info))
	room, err := d.host.room(dir)
	const mend = "remove what needs no keeping, or move the folder to a larger disk; a guest takes what it writes, up to its disk's size"
	switch {
	case err != nil:
		out = append(out, bad("room", mend, "%v", err))
	case room < leastRoom:
		out = append(out, bad("room", mend, "only %d MB are free in %s", room>>20, dir))
	case room < tightRoom:
		out = append(out, fair("room", mend, "only %d MB are free in %s", room>>20, dir))
	default:
		out = append(out, fine("room", "%d GB are free in %s", room>>30, dir))
	}
	d.running = locked(filepath.Join(dir, "lock"))
	if d.running {
		return append(out, fine("gateway", "it is running"))
	}
	return append(out, fine("gateway", "none is running with this folder"))
}

// rights looks at who may do what in the data folder.
func rights(dir string, info fs.FileInfo) vmbackend.Finding {
	owner := info.Sys().(*syscall.Stat_t).Uid
	name := strconv.Itoa(int(owner))
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	switch {
	case unix.Access(dir, unix.R_OK|unix.W_OK|unix.X_OK) != nil:
		return bad("rights", fmt.Sprintf("look as its owner: runuser -u %s -- labmark doctor; or chown -R it", name),
			"%s is %s's, and who runs this may not write there", dir, name)
	case int(owner) != os.Geteuid():
		return fair("rights", fmt.Sprintf("runuser -u %s -- labmark doctor", name),
			"%s is %s's: look as that account, which may do less than who runs this", dir, name)
	case info.Mode().Perm()&0o077 != 0:
		return fair("rights", "chmod 700 "+dir, "others on this machine may look into %s (%v)", dir, info.Mode().Perm())
	}
	return fine("rights", "%s is for %s alone", dir, name)
}

// locked says whether a process has the lock that server.LockData takes.
func locked(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close() // lets the lock go, too
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

func (d *doctor) database(ctx context.Context) []vmbackend.Finding {
	name := store.In(d.settings.DataDir, d.settings.Database)
	shown := store.Shown(name)
	db, err := store.Look(name)
	if errors.Is(err, fs.ErrNotExist) {
		return []vmbackend.Finding{fair("file", "labmark serve makes it, at the first start; or labmark restore, of a backup", "%s is not there yet", shown)}
	}
	const away = "see whether the database runs, and whether the setting database is right; a damaged file is replaced by labmark restore"
	if err != nil {
		return []vmbackend.Finding{bad("connection", away, "%v", err)}
	}
	schema, err := db.Schema(ctx)
	if err != nil {
		db.Close()
		return []vmbackend.Finding{bad("connection", away, "%s: %v", shown, err)}
	}
	damage, err := db.Damage(ctx)
	if err != nil {
		damage = append(damage, err.Error())
	}
	var out []vmbackend.Finding
	if len(damage) > 0 {
		out = append(out, bad("integrity", "end the gateway, move the file away, and restore the last backup: labmark restore", "%s is damaged: %s", shown, strings.Join(damage, "; ")))
	} else {
		out = append(out, fine("integrity", "%s can be read", shown))
	}
	switch {
	case len(schema.Unknown) > 0:
		out = append(out, bad("schema", "install that version again, or go back: labmark rollback", "a newer labmark has changed it (%s)", strings.Join(schema.Unknown, ", ")))
	case len(schema.Missing) > 0:
		out = append(out, fair("schema", "the next start of this version does that, and keeps a copy of SQLite's file first; back up PostgreSQL before (labmark backup)",
			"it is of an older labmark: %s are to be taken", count(len(schema.Missing), "step")))
	default:
		d.db = db
		return append(out, fine("schema", "it is this version's"))
	}
	db.Close()
	return out
}

// platforms walks to every one that may launch, and looks for grades that do
// not get there.
func (d *doctor) platforms(ctx context.Context) (out []vmbackend.Finding) {
	if d.db == nil {
		return nil
	}
	all, err := d.db.Platforms(ctx, "")
	if err != nil {
		return []vmbackend.Finding{bad("list", "see what is said of the database", "%v", err)}
	}
	office := lms.New(lms.Config{Store: d.db, HTTP: d.http, Now: d.now, Log: quiet})
	office.Client.Keys = d.toolKeys
	for _, p := range all {
		if p.State != store.PlatformActive {
			continue
		}
		steps, err := office.Test(ctx, p)
		if err != nil {
			out = append(out, bad(p.Name, fmt.Sprintf("labmark platform test %d", p.ID), "%v", err))
		}
		for _, s := range steps {
			f := vmbackend.Finding{Subject: p.Name + ", " + s.Step, Level: vmbackend.Good, Text: s.Found, Mend: s.Mend}
			if !s.OK {
				f.Level = vmbackend.Bad
			}
			out = append(out, f)
		}
	}
	refused, waiting, err := d.db.StuckGrades(ctx, d.now().Add(-time.Hour))
	const mend = "the class page of the course says why, and sends them again"
	switch {
	case err != nil:
		out = append(out, bad("grades", "see what is said of the database", "%v", err))
	case refused > 0:
		out = append(out, fair("grades", mend, "platforms have refused %s", count(int(refused), "grade")))
	case waiting > 0:
		out = append(out, fair("grades", mend, "%s could not be sent for an hour", count(int(waiting), "grade")))
	case len(all) > 0:
		out = append(out, fine("grades", "none is stuck"))
	}
	return out
}

// toolKeys are those that are there: looking rotates none.
func (d *doctor) toolKeys(ctx context.Context) (keys []lti.Key, err error) {
	stored, err := d.db.ToolKeys(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range stored {
		key, err := lti.ParsePEM(k.PEM, k.CreatedAt)
		if err != nil {
			return nil, fmt.Errorf("the key %s in the database: %w", k.ID, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("Labmark has no keys yet: the first start draws them")
	}
	return keys, nil
}
