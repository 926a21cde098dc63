package themes

import "time"

// SourcesPage lists where the served courses come from.
type SourcesPage struct {
	Layout
	Sources []SourceView
}

// SourceView is one course's folder or repository. Its button posts nothing to
// PullAction.
type SourceView struct {
	Course string // title
	Source string // without secrets
	Folder bool   // else a git repository
	Commit string
	// Tried is when the source was looked at last; zero before the first time.
	Tried time.Time
	// Fault says why the newest version is not the one that is served.
	Fault      string
	PullAction string
	Versions   []VersionView // the newest first
}

// VersionView is a version that was served.
type VersionView struct {
	At      time.Time
	Commit  string
	Changes []string // in sentences; none where no check changed
}

// Short is the commit as people write it.
func (s SourceView) Short() string { return short(s.Commit) }

// Short is the commit as people write it.
func (v VersionView) Short() string { return short(v.Commit) }

func short(commit string) string { return commit[:min(len(commit), 10)] }

func (SourcesPage) template() string { return "sources" }

// Tab is the page's name among those of the administration.
func (SourcesPage) Tab() string { return "sources" }
