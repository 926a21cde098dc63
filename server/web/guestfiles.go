package web

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/freight"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

// Limits of moving files in and out of a machine.
const (
	listLimit = 30 * time.Second
	moveLimit = 30 * time.Minute // 100 MB over a slow serial line
	putSpare  = 1 << 20          // what a form says beside its file, in bytes
)

// filesRoutes move files in and out of the student's machine, with the rights
// of the student's account. Downloads are as they are: not compressed again.
func (s *site) filesRoutes(pages, plain *gin.RouterGroup) {
	const below = "/courses/:course/:tutorial/machine"
	pages.GET(below, s.known, s.guestFiles)
	plain.GET(below+"/get", s.known, s.getFile)
	plain.POST(putPath, s.known, s.putFiles)
}

// putPath is the one address that takes large bodies.
const putPath = "/courses/:course/:tutorial/machine/put"

// dock begins a visit to the files of the machine that the request names.
func (s *site) dock(ctx context.Context, c *gin.Context) (*freight.Dock, *content.Guest, error) {
	o := owner(c)
	t, _ := s.Catalog.Tutorial(o)
	g := machine(t, c.Query("guest"))
	if g == nil {
		return nil, nil, guests.ErrUnknown
	}
	s.Guests.Active(o, c.ClientIP())
	client, _, err := s.Guests.Client(ctx, o, g.Name, g.User, guests.ForPeople)
	if err != nil {
		return nil, g, err
	}
	d, err := freight.Open(ctx, client)
	if err != nil {
		client.Close() // it may have broken unseen: the next one asks anew
		s.Log.Warn("no files of a guest", "user", o.UserID, "err", err)
		err = errNoWay
	}
	return d, g, err
}

// machinePath is the address of a folder's page, of a file's bytes for "/get".
func machinePath(c *gin.Context, what string, g *content.Guest, at string) string {
	o := owner(c)
	return base(c) + "/courses/" + o.Course + "/" + o.Tutorial + "/machine" + what + "?" + url.Values{"guest": {g.Name}, "path": {at}}.Encode()
}

func (s *site) guestFiles(c *gin.Context) { s.filesPage(c, http.StatusOK, "") }

func (s *site) filesPage(c *gin.Context, status int, problem string) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), listLimit)
	defer cancel()
	o := owner(c)
	t, course := s.spoken(c, o)
	page := themes.FilesPage{Error: problem, Layout: s.layout(c, s.words(c).Say("Files of your machine"), s.coursesCrumb(c),
		themes.Crumb{Title: course.Title, Href: coursePath(c, course)}, themes.Crumb{Title: t.Title, Href: at(c, "/courses/"+o.Course+"/"+o.Tutorial)})}
	d, g, err := s.dock(ctx, c)
	if err == nil {
		defer d.Close()
		err = s.folder(ctx, c, d, g, &page)
	}
	if err != nil {
		if status == http.StatusOK {
			status = http.StatusConflict
		}
		page.Error = s.fileProblem(c, err)
	}
	if g != nil && len(t.Guests) > 1 {
		for i := range t.Guests {
			m := themes.Crumb{Title: t.Guests[i].Name}
			if m.Title != g.Name {
				m.Href = machinePath(c, "", &t.Guests[i], "")
			}
			page.Machines = append(page.Machines, m)
		}
	}
	s.page(c, status, page)
}

// folder fills the page with what is in the folder that was asked for.
func (s *site) folder(ctx context.Context, c *gin.Context, d *freight.Dock, g *content.Guest, page *themes.FilesPage) error {
	where, err := d.Place(c.Query("path"))
	if err != nil {
		return err
	}
	entries, cut, err := d.List(ctx, where)
	if err != nil {
		return err
	}
	page.Path, page.Cut, page.Pack, page.PutAction = where, cut, machinePath(c, "/get", g, where), machinePath(c, "/put", g, where)
	if where != "/" {
		page.Up = machinePath(c, "", g, path.Dir(where))
	}
	for _, e := range entries {
		v := themes.StoredView{Name: e.Name, Folder: e.Folder, Size: e.Size, Modified: e.Modified}
		if e.Folder {
			v.Open = machinePath(c, "", g, path.Join(where, e.Name))
		}
		if e.Fetch {
			v.Get = machinePath(c, "/get", g, path.Join(where, e.Name))
		}
		page.Entries = append(page.Entries, v)
	}
	return nil
}

// getFile sends a file, or a folder as an archive. Whatever it is, a browser
// keeps it and shows nothing of it.
func (s *site) getFile(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), moveLimit)
	defer cancel()
	d, _, err := s.dock(ctx, c)
	if err != nil {
		s.filesPage(c, http.StatusConflict, s.fileProblem(c, err))
		return
	}
	defer d.Close()
	where, err := d.Place(c.Query("path"))
	var folder bool
	var size int64
	if err == nil {
		folder, size, err = d.Look(where)
	}
	var whole freight.Folder
	if err == nil && folder {
		whole, err = d.Folder(ctx, where)
	}
	if err != nil {
		// Not the page of what was asked for, which is no folder.
		s.fail(c, problem{http.StatusConflict, s.fileProblem(c, err), ""})
		return
	}
	name := path.Base(where)
	if folder {
		if name == "/" {
			name = "files"
		}
		name += ".tar.gz"
	} else {
		c.Header("Content-Length", strconv.FormatInt(size, 10))
	}
	c.Header("Content-Type", "application/octet-stream")
	c.Header("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	c.Header("Content-Security-Policy", "default-src 'none'; sandbox")
	c.Status(http.StatusOK)
	if folder {
		err = whole.Pack(c.Writer)
	} else {
		err = d.Fetch(c.Writer, where)
	}
	if err != nil {
		s.Log.Warn("a file of a guest was not sent whole", "user", owner(c).UserID, "err", err)
		panic(http.ErrAbortHandler) // the browser must not take it for whole
	}
}

// putFiles stores what a form has brought, one file after the other as they
// come: nothing is kept on the way.
func (s *site) putFiles(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), moveLimit)
	defer cancel()
	form, err := c.Request.MultipartReader()
	if err != nil {
		s.fail(c, errBadInput)
		return
	}
	d, g, err := s.dock(ctx, c)
	var where string
	if err == nil {
		defer d.Close()
		where, err = d.Place(c.Query("path"))
	}
	for err == nil {
		part, next := form.NextPart()
		if errors.Is(next, io.EOF) {
			c.Redirect(http.StatusSeeOther, machinePath(c, "", g, where))
			return
		}
		if err = next; err == nil && part.FormName() == "file" && part.FileName() != "" {
			err = d.Put(where, part.FileName(), part)
		}
	}
	s.filesPage(c, http.StatusUnprocessableEntity, s.fileProblem(c, err))
}

// fileProblem is an error of moving files, in a student's words.
func (s *site) fileProblem(c *gin.Context, err error) string {
	says := "Your machine did not answer. Try again; if it stays so, reset the machine."
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, guests.ErrNoGuest):
		says = "Your machine is not running. Start it and try again."
	case errors.Is(err, guests.ErrUnknown), errors.Is(err, store.ErrNotFound):
		says = "The tutorial has no such machine."
	case errors.Is(err, freight.ErrTooLarge), errors.As(err, &large):
		says = "That is more than 100 MB, or very many files."
	case errors.Is(err, fs.ErrPermission):
		says = "You may not do that there: your account in the machine lacks the right."
	case errors.Is(err, fs.ErrNotExist):
		says = "There is no such file or folder."
	case errors.Is(err, freight.ErrNoFile), errors.Is(err, fs.ErrInvalid):
		says = "That is neither a file nor a folder."
	}
	return s.words(c).Translate(says)
}
