package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

const (
	guestsPath = "/admin/guests"
	aboutKey   = "about" // the user whom an administrator's act was about
)

// guestRoutes are the administrator's page of guests.
func (s *site) guestRoutes(pages *gin.RouterGroup) {
	pages.GET("", s.guestList)
	pages.POST("/:guest/replace", s.forOwner(func(row store.Guest, o store.Owner) error {
		_, err := s.Guests.Reset(o, row.Name)
		return err
	}))
	pages.POST("/:guest/stop", s.forOwner(func(_ store.Guest, o store.Owner) error {
		s.Guests.Stop(o)
		return nil
	}))
}

func (s *site) guestList(c *gin.Context) {
	ctx := c.Request.Context()
	page := themes.GuestsPage{Layout: s.layout(c, s.words(c).Say("Guests"), s.coursesCrumb(c)),
		Search: strings.TrimSpace(c.Query("q")), Sort: c.Query("sort")}
	rows, err := s.Store.Guests(ctx)
	if err != nil {
		s.fail(c, err)
		return
	}
	people, err := s.Store.Users(ctx)
	if err != nil {
		s.fail(c, err)
		return
	}
	names := map[uint]string{}
	for _, u := range people {
		names[u.ID] = u.Called()
	}
	if f, err := s.Meter.Figures(ctx); err == nil {
		page.Queue = f.Queue
	}
	for _, g := range rows {
		if v := guestRow(g, names); matches(v, page.Search) {
			page.Rows = append(page.Rows, v)
		}
	}
	s.measure(c, page.Rows)
	slices.SortStableFunc(page.Rows, orders[page.Sort])
	s.page(c, http.StatusOK, page)
}

// guestRow shows a guest without what it uses.
func guestRow(g store.Guest, names map[uint]string) themes.GuestRow {
	v := themes.GuestRow{ID: g.ID, Node: g.Node, Mode: string(g.Mode), Since: g.ModeSince, ActiveAt: g.ActiveAt, Busy: -1,
		Audit: auditPath + "?guest=" + url.QueryEscape(g.ID)}
	o, owned := g.Owner()
	if !owned {
		if g.FormerID != nil {
			v.Who, v.Former = names[*g.FormerID], names[*g.FormerID] != ""
		}
		return v
	}
	v.Who, v.Where = names[o.UserID], o.Course+"/"+o.Tutorial
	if g.Mode == store.Assigned {
		v.ReplaceAction, v.StopAction = guestsPath+"/"+g.ID+"/replace", guestsPath+"/"+g.ID+"/stop"
	}
	return v
}

func matches(v themes.GuestRow, text string) bool {
	return strings.Contains(strings.ToLower(strings.Join([]string{v.ID, v.Node, v.Who, v.Where, v.Mode}, "\n")), strings.ToLower(text))
}

// measure adds what guests use, as far as they tell it in time.
func (s *site) measure(c *gin.Context, rows []themes.GuestRow) {
	var ids []string
	for _, v := range rows {
		if v.Mode == string(store.Assigned) || v.Mode == string(store.Free) {
			ids = append(ids, v.ID)
		}
	}
	loads := s.Loads.Of(c.Request.Context(), ids)
	for i := range rows {
		if l, ok := loads[rows[i].ID]; ok {
			rows[i].Memory, rows[i].Disk = l.Memory, l.Disk
			if l.Busy >= 0 {
				rows[i].Busy = int(l.Busy*100 + 0.5)
			}
		}
	}
}

var orders = map[string]func(a, b themes.GuestRow) int{
	"":       func(a, b themes.GuestRow) int { return b.Since.Compare(a.Since) },
	"who":    func(a, b themes.GuestRow) int { return cmp.Compare(a.Who, b.Who) },
	"busy":   func(a, b themes.GuestRow) int { return cmp.Compare(b.Busy, a.Busy) },
	"memory": func(a, b themes.GuestRow) int { return cmp.Compare(b.Memory, a.Memory) },
	"disk":   func(a, b themes.GuestRow) int { return cmp.Compare(b.Disk, a.Disk) },
}

// forOwner does something with a guest that is somebody's at this moment.
func (s *site) forOwner(do func(store.Guest, store.Owner) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		rows, err := s.Store.Guests(c.Request.Context())
		if err != nil {
			s.fail(c, err)
			return
		}
		for _, g := range rows {
			if o, owned := g.Owner(); owned && g.Mode == store.Assigned && g.ID == c.Param("guest") {
				c.Set(aboutKey, o.UserID)
				if err := do(g, o); err != nil {
					s.fail(c, err)
					return
				}
				c.Redirect(http.StatusSeeOther, guestsPath)
				return
			}
		}
		s.fail(c, errNoPage)
	}
}
