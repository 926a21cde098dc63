package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/vmbackend/nodes"
)

const nodesPath = "/admin/nodes"

// nodeRoutes are the administrator's page of nodes. They are added and removed
// by labmark node: that needs files on this machine.
func (s *site) nodeRoutes(pages *gin.RouterGroup) {
	pages.GET("", s.nodes)
	pages.POST("/:node/drain", s.wantNode(nodes.Draining))
	pages.POST("/:node/isolate", s.wantNode(nodes.Isolated))
	pages.POST("/:node/back", s.wantNode(nodes.WantedUp))
}

func (s *site) nodes(c *gin.Context) {
	page := themes.NodesPage{Layout: s.layout(c, s.words(c).Say("Nodes"), s.coursesCrumb(c))}
	kept, err := s.Store.Nodes(c.Request.Context())
	if err != nil {
		s.fail(c, err)
		return
	}
	for _, n := range s.Nodes() {
		in := slices.ContainsFunc(kept, func(k store.Node) bool { return k.Name == n.Name })
		page.Nodes = append(page.Nodes, nodeView(n, in))
	}
	s.page(c, http.StatusOK, page)
}

// nodeView shows a node; only one that is in the table can be given orders.
func nodeView(n nodes.Status, in bool) themes.NodeView {
	v := themes.NodeView{Name: n.Name, URI: bare(n.URI), State: string(n.State), Since: n.Since, Why: n.Why,
		Wanted: string(n.Wanted), WantedWhy: n.WantedWhy, Guests: n.Guests, Capacity: n.Capacity,
		Memory: n.Host.Memory, MemoryFree: n.Host.MemoryFree, DiskFree: n.Host.DiskFree, CPUs: n.Host.CPUs, KVM: n.Host.KVM,
		Load: int(n.Host.Busy*100 + 0.5)}
	for name, value := range n.Labels {
		v.Labels = append(v.Labels, name+"="+value)
	}
	slices.Sort(v.Labels)
	if !in {
		return v
	}
	path := nodesPath + "/" + n.Name
	if n.Wanted == nodes.WantedUp {
		v.DrainAction = path + "/drain"
	} else {
		v.BackAction = path + "/back"
	}
	if n.Wanted != nodes.Isolated {
		v.IsolateAction = path + "/isolate"
	}
	return v
}

// bare is a node's address without what its query may tell.
func bare(uri string) string {
	uri, _, _ = strings.Cut(uri, "?")
	return uri
}

// wantNode takes an order for a node. The cluster reads it from the table
// within seconds.
func (s *site) wantNode(wanted nodes.Wanted) gin.HandlerFunc {
	return func(c *gin.Context) {
		why := ""
		if wanted != nodes.WantedUp {
			why = fmt.Sprintf("by %s", viewer(c).Called())
		}
		if err := s.Store.SetNodeWanted(c.Request.Context(), c.Param("node"), string(wanted), why); err != nil {
			s.fail(c, err)
			return
		}
		c.Redirect(http.StatusSeeOther, nodesPath)
	}
}
