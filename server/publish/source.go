// Package publish keeps the courses that are served as their authors have
// them: it looks for new versions in folders and git repositories, serves only
// those without errors, and notes what changed.
package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// Source is where a course comes from: a folder, or a git repository.
type Source struct {
	// Dir is the folder; empty for a repository.
	Dir string
	// URL is what git fetches from; Branch "HEAD" is the remote's own.
	URL, Branch string
	// Sub is the course's folder in the repository; empty for its top.
	Sub string
}

const gitPrefix = "git+"

// branchName keeps what git might take for something else from being one.
var branchName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}$`)

// ParseSource reads a source as it is given on the command line: a folder, or
// "git+https://HOST/PATH", "git+ssh://…" or "git+file://…" with an optional
// "#BRANCH" or "#BRANCH:FOLDER".
func ParseSource(s string) (Source, error) {
	rest, isGit := strings.CutPrefix(s, gitPrefix)
	if !isGit {
		return Source{Dir: s}, nil
	}
	u, err := url.Parse(rest)
	if err != nil {
		return Source{}, fmt.Errorf("course %s: %w", s, err)
	}
	switch u.Scheme {
	case "https", "ssh", "file":
	default:
		return Source{}, fmt.Errorf("course %s: git fetches by https, ssh or file: write git+https://…", s)
	}
	src := Source{Branch: "HEAD"}
	branch, sub, _ := strings.Cut(u.Fragment, ":")
	u.Fragment, u.RawFragment = "", ""
	src.URL = u.String()
	if branch != "" {
		if !branchName.MatchString(branch) || strings.Contains(branch, "..") {
			return Source{}, fmt.Errorf("course %s: %q can't be a branch", s, branch)
		}
		src.Branch = branch
	}
	if sub != "" {
		if src.Sub = path.Clean(sub); path.IsAbs(sub) || src.Sub == ".." || strings.HasPrefix(src.Sub, "../") {
			return Source{}, fmt.Errorf("course %s: the folder %q is not within the repository", s, sub)
		}
	}
	return src, nil
}

// String is the source without what an address may hold of passwords.
func (s Source) String() string {
	if s.URL == "" {
		return s.Dir
	}
	shown := s.URL
	if u, err := url.Parse(s.URL); err == nil {
		shown = u.Redacted()
	}
	if s.Branch != "HEAD" || s.Sub != "" {
		shown += "#" + s.Branch
	}
	if s.Sub != "" {
		shown += ":" + s.Sub
	}
	return shown
}

// key names the source's folder below the data folder. Two courses of one
// repository have a clone each: the versions of one that are good are not those
// of the other.
func (s Source) key() string {
	what := s.URL + "\x00" + s.Branch
	if s.Sub != "" {
		what += "\x00" + s.Sub
	}
	sum := sha256.Sum256([]byte(what))
	return hex.EncodeToString(sum[:8])
}
