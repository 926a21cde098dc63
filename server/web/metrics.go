package web

import (
	"crypto/subtle"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// streams are the last parts of routes whose requests last as long as a page.
var streams = []string{"events", "terminal", "desktop", "live"}

// measured times requests by the pattern of their route, and counts streams
// while they are open.
func (s *site) measured(c *gin.Context) {
	route := c.FullPath()
	if kind := path.Base(route); c.Request.Method == http.MethodGet && slices.Contains(streams, kind) {
		defer s.Meter.Stream(kind)()
		c.Next()
		return
	}
	begun := time.Now()
	c.Next()
	s.Meter.Request(c.Request.Method, route, c.Writer.Status(), time.Since(begun))
}

// metrics gives out figures in Prometheus' form: to this very machine, and to
// those who know the token.
func (s *site) metrics(c *gin.Context) {
	token, given := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
	knows := given && s.MetricsToken != "" && subtle.ConstantTimeCompare([]byte(token), []byte(s.MetricsToken)) == 1
	if !knows && !s.local(c) {
		c.String(http.StatusForbidden, "Figures are for this machine alone, and for who sends the token of --metrics-token: Authorization: Bearer TOKEN.\n")
		return
	}
	s.Meter.Handler().ServeHTTP(c.Writer, c.Request)
}

// local says whether a request comes from this very machine: not by a proxy,
// nor from a web page of another name that has taken our address for its own.
func (s *site) local(c *gin.Context) bool {
	host, _, err := net.SplitHostPort(c.Request.RemoteAddr)
	if err != nil || c.GetHeader("X-Forwarded-For") != "" || c.GetHeader("Forwarded") != "" {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() && s.ourName(c.Request.Host)
}
