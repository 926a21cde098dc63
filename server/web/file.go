package web

import (
	"io"
	"mime"
	"path"
	"strings"

	"github.com/gin-gonic/gin"
)

// file serves a picture or another file that the tutorial's pages link to.
// Nothing else of a course can be had by its name.
func (s *site) file(c *gin.Context) {
	course := s.Catalog.Course(c.Param("course"))
	if course == nil {
		s.fail(c, errNoPage)
		return
	}
	name := strings.TrimPrefix(c.Param("file"), "/")
	f, err := course.File(c.Param("tutorial"), name)
	if err != nil {
		s.fail(c, errNoPage)
		return
	}
	defer f.Close()
	kind := mime.TypeByExtension(path.Ext(name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	if strings.Contains(kind, "javascript") || strings.Contains(kind, "ecmascript") {
		kind = "text/plain; charset=utf-8" // to be read; no page of ours may run it
	}
	// A page among a course's files must not act as one of Labmark's.
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	c.Header("Content-Type", kind)
	c.Header("Cache-Control", "private, max-age=60")
	if _, err := io.Copy(c.Writer, f); err != nil {
		s.Log.Warn("a course's file was not sent whole", "file", name, "err", err)
	}
}
