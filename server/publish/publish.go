package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/catalog"
	"github.com/labmark/labmark/server/look"
	"github.com/labmark/labmark/server/store"
)

// Config is all that a Publisher needs.
type Config struct {
	Sources []Source
	// Dir is where repositories and their versions are kept.
	Dir string
	// Every is the pause between looks at folders, GitEvery at repositories.
	Every, GitEvery time.Duration
	Log             *slog.Logger
}

// Publisher keeps courses current. Its methods may be called from any
// goroutine.
type Publisher struct {
	cfg   Config
	feeds []*feed
}

// feed is one source and what became of it.
type feed struct {
	src  Source
	repo repository
	wake chan struct{}
	log  *slog.Logger

	mu     sync.Mutex
	course *content.Course // being served
	commit string          // of it; empty for a folder
	stamp  string          // of the folder when it was last read
	tried  time.Time
	fault  error // of the last look; nil when what is served is the newest
}

// Status is what administrators are told of a source.
type Status struct {
	Source string
	Course *content.Course // that is served
	Commit string
	Tried  time.Time
	Fault  error // why what is served is not the newest; nil otherwise
	Folder bool
}

// Open reads every source once. A repository that can't be fetched, or whose
// newest version has errors, gives its last good one, with a warning; without
// such a version, and for a folder, that is an error.
func Open(ctx context.Context, cfg Config) (*Publisher, error) {
	p := &Publisher{cfg: cfg}
	for _, src := range cfg.Sources {
		f := &feed{src: src, wake: make(chan struct{}, 1), log: cfg.Log}
		f.repo = repository{src: src, dir: filepath.Join(cfg.Dir, src.key())}
		p.feeds = append(p.feeds, f)
		course, commit, err := f.look(ctx)
		if err != nil && src.URL != "" {
			cfg.Log.Warn("a course's newest version can't be served; trying the last good one", "source", src, "err", err)
			newest := err
			if course, commit, err = f.last(ctx); err != nil {
				return nil, errors.Join(newest, err)
			}
			f.fault = newest
		}
		if err != nil {
			return nil, err
		}
		f.course, f.commit = course, commit
		if err := f.keep(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Courses are what is served, in the order of the sources.
func (p *Publisher) Courses() []*content.Course {
	var all []*content.Course
	for _, f := range p.feeds {
		f.mu.Lock()
		all = append(all, f.course)
		f.mu.Unlock()
	}
	return all
}

// Statuses are in the order of the sources.
func (p *Publisher) Statuses() []Status {
	var all []Status
	for _, f := range p.feeds {
		f.mu.Lock()
		all = append(all, Status{Source: f.src.String(), Course: f.course, Commit: f.commit, Tried: f.tried, Fault: f.fault, Folder: f.src.URL == ""})
		f.mu.Unlock()
	}
	return all
}

// Pull lets the source of a course be looked at now; false if there is none.
// It returns at once, and any number of calls cost one look.
func (p *Publisher) Pull(course string) bool {
	for _, f := range p.feeds {
		f.mu.Lock()
		mine := f.course.ID == course
		f.mu.Unlock()
		if mine {
			select {
			case f.wake <- struct{}{}:
			default:
			}
			return true
		}
	}
	return false
}

// Run looks for new versions until ctx ends, and puts them into the catalog.
// changed is told of each.
func (p *Publisher) Run(ctx context.Context, into *catalog.Catalog, db *store.Store, changed func()) {
	var all sync.WaitGroup
	for _, f := range p.feeds {
		all.Go(func() { p.follow(ctx, f, into, db, changed) })
	}
	all.Wait()
}

func (p *Publisher) follow(ctx context.Context, f *feed, into *catalog.Catalog, db *store.Store, changed func()) {
	every := p.cfg.Every
	if f.src.URL != "" {
		every = p.cfg.GitEvery
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		case <-time.After(every):
		}
		course, err := p.renew(ctx, f)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if f.news(err) { // else the log would say it at each look
				p.cfg.Log.Error("a course's newest version is not served; the last good one stays", "source", f.src, "err", err)
			}
		case course != nil:
			into.Replace(course)
			if err := Note(ctx, db, course, f.commit); err != nil {
				p.cfg.Log.Error("can't note what changed in a course", "course", course.ID, "err", err)
			}
			p.cfg.Log.Info("a new version of a course is served", "course", course.ID, "source", f.src, "commit", f.commit)
			changed()
		}
	}
}

// renew looks at a source, and returns its course if that is a new version.
func (p *Publisher) renew(ctx context.Context, f *feed) (*content.Course, error) {
	course, commit, err := f.look(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tried = time.Now()
	if err == nil && course != nil && course.ID != f.course.ID {
		err = fmt.Errorf("%s: the course's id was %q and is %q now: points belong to the id, so give it back, or serve the new course beside the old one", f.src, f.course.ID, course.ID)
	}
	if err != nil {
		return nil, err
	}
	f.fault = nil
	if course == nil || course.Revision == f.course.Revision {
		return nil, nil
	}
	f.course, f.commit = course, commit
	return course, f.keep()
}

// news notes a fault, and says whether it is another than before.
func (f *feed) news(err error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	same := f.fault != nil && f.fault.Error() == err.Error()
	f.fault = err
	return !same
}

// look reads the source's newest version. The course is nil if the source has
// not changed since the last look.
func (f *feed) look(ctx context.Context) (*content.Course, string, error) {
	if f.src.URL == "" {
		stamp, err := stampOf(f.src.Dir)
		if err != nil {
			return nil, "", fmt.Errorf("course %s: %w", f.src.Dir, err)
		}
		if stamp == f.stamp {
			f.mu.Lock()
			defer f.mu.Unlock()
			return nil, "", f.fault // what is wrong stays wrong
		}
		f.stamp = stamp
		course, err := f.load(f.src.Dir, f.src.String())
		return course, "", err
	}
	commit, err := f.repo.fetch(ctx)
	if err != nil {
		return nil, "", err
	}
	if commit == f.commit {
		return nil, commit, nil
	}
	return f.at(ctx, commit)
}

// last reads the version that was served last.
func (f *feed) last(ctx context.Context) (*content.Course, string, error) {
	commit := f.repo.good()
	if commit == "" {
		return nil, "", errors.New("no version of it was ever served from here")
	}
	return f.at(ctx, commit)
}

func (f *feed) at(ctx context.Context, commit string) (*content.Course, string, error) {
	dir, err := f.repo.folder(ctx, commit)
	if err != nil {
		return nil, commit, err
	}
	course, err := f.load(dir, fmt.Sprintf("%s at %.12s", f.src, commit))
	return course, commit, err
}

// keep remembers that the feed's course is good.
func (f *feed) keep() error {
	if f.commit == "" {
		return nil
	}
	return f.repo.setGood(f.commit)
}

// load reads a course; its errors are told by file and line, and its warnings
// logged.
func (f *feed) load(dir, name string) (*content.Course, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("course %s: there is no such folder", name)
	}
	// Whatever the course's folder comes to hold, nothing leads out of it. It is
	// closed when nobody has the course any more.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("course %s: %w", name, err)
	}
	course, findings := look.Load(root.FS())
	if err := findings.Err(); err != nil {
		return nil, fmt.Errorf("the course in %s has errors:\n\n%w", name, err)
	}
	if len(findings) > 0 {
		f.log.Warn("a course has warnings", "source", name, "findings", findings.String())
	}
	return course, nil
}

// stampOf changes with the names, sizes and times of a folder's files.
func stampOf(dir string) (string, error) {
	all := sha256.New()
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && name != dir && e.Name()[0] == '.' {
			return fs.SkipDir
		}
		info, err := e.Info()
		if err != nil {
			return nil // gone meanwhile; the next look sees that
		}
		fmt.Fprintf(all, "%q %d %d %v\n", name, info.Size(), info.ModTime().UnixNano(), info.Mode())
		return nil
	})
	return hex.EncodeToString(all.Sum(nil)), err
}

// Note stores a version that is served from now on with what it changes, if it
// is another than the newest one that is known.
func Note(ctx context.Context, db *store.Store, course *content.Course, commit string) error {
	known, err := db.CourseVersions(ctx, course.ID, 1)
	if err != nil {
		return err
	}
	shape := Shape(course)
	var changes []store.VersionChange
	if len(known) > 0 {
		if known[0].Revision == course.Revision {
			return nil
		}
		former, err := known[0].Shape()
		if err != nil {
			return err
		}
		changes = Compare(former, shape)
	}
	return db.AddCourseVersion(ctx, store.CourseVersion{Course: course.ID, Revision: course.Revision, Commit: commit}, shape, changes)
}
