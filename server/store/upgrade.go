package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ErrNewer is returned where a newer program has changed a database's schema.
var ErrNewer = errors.New("a newer labmark has changed this database")

// ErrNoCopy is returned where there is nothing to roll back to.
var ErrNoCopy = errors.New("there is no copy from before an upgrade")

// copiesKept is how many copies from before upgrades are kept.
const copiesKept = 3

// beforeUpgrade refuses what a newer program has changed, and keeps a copy of
// SQLite's file if there is something in it to be changed.
func (s *Store) beforeUpgrade(ctx context.Context, name string) error {
	schema, err := s.Schema(ctx)
	if err != nil {
		return err
	}
	if len(schema.Unknown) > 0 {
		back := "labmark rollback brings back the copy that was taken before the upgrade"
		if s.postgres() {
			back = "restore the backup that was made before the upgrade into an empty database (labmark restore)"
		}
		return fmt.Errorf("%w (%s): start that one again, or, to go back to this one, %s", ErrNewer, strings.Join(schema.Unknown, ", "), back)
	}
	if s.postgres() || len(schema.Taken) == 0 || len(schema.Missing) == 0 {
		return nil
	}
	if err := s.keepCopy(ctx, name, schema); err != nil {
		return fmt.Errorf("keep a copy of the database before the upgrade: %w; make room, or let labmark write to its folder", err)
	}
	return nil
}

// keepCopy writes the database as it is now beside itself, as before-STEP.db,
// where STEP is the last step that the upgrade takes.
func (s *Store) keepCopy(ctx context.Context, name string, schema Schema) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".before-*") // for its owner alone
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	if err := s.db.WithContext(ctx).Exec("VACUUM INTO ?", f.Name()).Error; err != nil {
		f.Close()
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	// Another that starts at the same moment may have been quicker.
	if got, err := schemaOf(ctx, f.Name()); err != nil || !slices.Equal(got.Taken, schema.Taken) {
		return err
	}
	to := filepath.Join(filepath.Dir(name), "before-"+schema.Missing[len(schema.Missing)-1]+".db")
	if err := os.Rename(f.Name(), to); err != nil {
		return err
	}
	copies, err := Copies(name)
	if err != nil {
		return err
	}
	for _, old := range copies[min(len(copies), copiesKept):] {
		if err := os.Remove(old.File); err != nil {
			return err
		}
	}
	return nil
}

// Copy of a database from before an upgrade.
type Copy struct {
	File string
	At   time.Time // when it was taken
}

// Copies are those of SQLite's database in the file of that name, the newest
// first.
func Copies(name string) ([]Copy, error) {
	files, err := filepath.Glob(filepath.Join(filepath.Dir(name), "before-*.db"))
	if err != nil {
		return nil, err
	}
	var out []Copy
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		out = append(out, Copy{file, info.ModTime()})
	}
	slices.SortStableFunc(out, func(a, b Copy) int { return b.At.Compare(a.At) })
	return out, nil
}

// FormerCopy is the newest copy that has taken fewer steps of the schema's
// history than the database has now; ErrNoCopy if there is none.
func FormerCopy(ctx context.Context, name string) (Copy, error) {
	copies, err := Copies(name)
	if err != nil {
		return Copy{}, err
	}
	now, damaged := schemaOf(ctx, name)
	for _, c := range copies {
		then, err := schemaOf(ctx, c.File)
		if err == nil && (damaged != nil || len(then.Taken) < len(now.Taken)) {
			return c, nil
		}
	}
	return Copy{}, fmt.Errorf("%w in %s", ErrNoCopy, filepath.Dir(name))
}

func schemaOf(ctx context.Context, name string) (Schema, error) {
	s, err := Look(name)
	if err != nil {
		return Schema{}, err
	}
	defer s.Close()
	return s.Schema(ctx)
}

// Rollback puts a copy in the place of SQLite's database, which it keeps under
// the name that it returns. Nobody may have the database open.
func Rollback(name string, c Copy) (kept string, err error) {
	dir := filepath.Dir(name)
	fresh, err := os.CreateTemp(dir, ".rollback-*")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(fresh.Name()) }() // gone already when all went well
	from, err := os.Open(c.File)
	if err != nil {
		fresh.Close()
		return "", err
	}
	defer from.Close()
	_, err = io.Copy(fresh, from)
	if err := errors.Join(err, fresh.Sync(), fresh.Close()); err != nil {
		return "", err
	}
	kept = filepath.Join(dir, "undone-"+time.Now().UTC().Format("20060102-150405.000")+".db")
	// The name is never without a database: the next command would make an
	// empty one. And no log of the old one may be taken for the copy's.
	if err := os.Link(name, kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.Rename(name+"-wal", kept+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.Remove(name + "-shm"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return kept, os.Rename(fresh.Name(), name)
}
