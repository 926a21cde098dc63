package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"time"

	"github.com/coder/websocket"
	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend/guestssh"
)

// closeNoGuest tells a page to wait until its guest is ready.
const closeNoGuest websocket.StatusCode = 4001

// Limits of one terminal connection.
const (
	frameLimit   = 1 << 20          // bytes in one frame from a page: a large paste
	firstFrame   = 10 * time.Second // until the page has told its size
	writeLimit   = 15 * time.Second // for a page to take one frame
	pingInterval = 30 * time.Second
)

// control is a text frame, in both directions.
type control struct {
	Type    string `json:"type"`
	Cols    int    `json:"cols,omitempty"`
	Rows    int    `json:"rows,omitempty"`
	Replay  bool   `json:"replay,omitempty"`
	Status  *int   `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
}

// terminalName is what guestssh.Attach takes, and no longer than needed.
var terminalName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)

// terminal joins a page's WebSocket (RFC 6455) to a shell in the student's
// guest. The shell is kept by the guest's agent: it goes on without the page.
func (s *site) terminal(c *gin.Context) {
	o := owner(c)
	// Other origins are refused; a proxy may ask for us by another name.
	ws, err := websocket.Accept(c.Writer, c.Request, &websocket.AcceptOptions{OriginPatterns: []string{s.origin()}})
	if err != nil {
		return // Accept has answered
	}
	defer ws.CloseNow()
	ws.SetReadLimit(frameLimit)
	address := c.ClientIP() // a Gin context is not for later
	p := &pipe{ws: ws, active: func() { s.Guests.Active(o, address) }}

	name := c.DefaultQuery("name", "main")
	tutorial, _ := s.Catalog.Tutorial(o)
	guest := machine(tutorial, c.Query("guest"))
	if guest == nil {
		ws.Close(websocket.StatusPolicyViolation, "the tutorial has no such machine")
		return
	}
	t, err := s.attach(c.Request.Context(), o, p, guest, name)
	switch {
	case errors.Is(err, guests.ErrNoGuest):
		ws.Close(closeNoGuest, "no running guest")
		return
	case errors.Is(err, errBadInput):
		ws.Close(websocket.StatusPolicyViolation, "the first frame must be a resize; names are short")
		return
	case err != nil:
		s.Log.Warn("no terminal", "user", o.UserID, "err", err)
		_ = p.tell(control{Type: "error", Message: s.words(c).Say("Your machine does not open a terminal. Trying again.")})
		ws.Close(websocket.StatusTryAgainLater, "no terminal")
		return
	}
	defer t.Close()
	s.join(c.Request.Context(), o, guest, p, t)
}

// attach waits for the page's size and opens the shell.
func (s *site) attach(ctx context.Context, o store.Owner, p *pipe, guest *content.Guest, name string) (*guestssh.Terminal, error) {
	ctx, cancel := context.WithTimeout(ctx, firstFrame)
	defer cancel()
	kind, data, err := p.ws.Read(ctx)
	if err != nil {
		return nil, err
	}
	var size control
	if kind != websocket.MessageText || json.Unmarshal(data, &size) != nil || !size.isSize() || !terminalName.MatchString(name) {
		return nil, errBadInput
	}
	client, _, err := s.Guests.Client(ctx, o, guest.Name, guest.User, guests.ForTerminals)
	if err != nil {
		return nil, err
	}
	// A guest that does not answer must not hold the page for ever.
	stop := context.AfterFunc(ctx, func() { client.Close() })
	defer stop()
	return guestssh.Attach(client, name, size.Cols, size.Rows)
}

// isSize says whether a frame is a resize that a terminal can have.
func (c control) isSize() bool {
	return c.Type == "resize" && c.Cols >= 1 && c.Cols <= 1000 && c.Rows >= 1 && c.Rows <= 1000
}

// join carries bytes both ways until either side has had enough.
func (s *site) join(ctx context.Context, o store.Owner, guest *content.Guest, p *pipe, t *guestssh.Terminal) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if p.tell(control{Type: "attached", Replay: t.Replayed}) != nil {
		return
	}
	go func() {
		defer cancel()
		defer t.Close() // ends the copying below
		p.fromPage(ctx, t)
	}()
	go p.keepAlive(ctx, cancel)
	_, err := io.Copy(p, t)
	if ctx.Err() != nil || err != nil {
		return // the page has gone, or does not read
	}
	if status, err := t.Wait(); err == nil {
		_ = p.tell(control{Type: "exit", Status: &status})
		p.ws.Close(websocket.StatusNormalClosure, "the shell has ended")
		return
	}
	if _, err := s.Guests.Machine(o, guest.Name); err != nil {
		p.ws.Close(closeNoGuest, "the guest has gone")
		return
	}
	p.ws.Close(websocket.StatusTryAgainLater, "the connection to the guest was lost")
}

// pipe writes to a page. Its Write is for the shell's output.
type pipe struct {
	ws     *websocket.Conn
	active func() // called when somebody types or points
}

// bySelf are what a terminal sends without its user: answers to programs that
// ask what and where it is, and whether the window has the focus.
var bySelf = regexp.MustCompile(`^(\x1b\[[?>]?[0-9;]*[Rcn]|\x1b\[[IO])+$`)

func (p *pipe) Write(b []byte) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), writeLimit)
	defer cancel()
	return len(b), p.ws.Write(ctx, websocket.MessageBinary, b)
}

func (p *pipe) tell(c control) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeLimit)
	defer cancel()
	return p.ws.Write(ctx, websocket.MessageText, b)
}

// fromPage carries keys and sizes to the shell until the page has gone. A
// text frame that can't be understood is passed over.
func (p *pipe) fromPage(ctx context.Context, t *guestssh.Terminal) {
	for {
		kind, data, err := p.ws.Read(ctx)
		if err != nil {
			return
		}
		if kind == websocket.MessageBinary {
			if !bySelf.Match(data) {
				p.active()
			}
			if _, err := t.Write(data); err != nil {
				return
			}
			continue
		}
		var c control
		if json.Unmarshal(data, &c) == nil && c.isSize() {
			if t.Resize(c.Cols, c.Rows) != nil {
				return
			}
		}
	}
}

// keepAlive finds out that a page has gone without a word.
func (p *pipe) keepAlive(ctx context.Context, gone func()) {
	tick := time.NewTicker(pingInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			ping, cancel := context.WithTimeout(ctx, writeLimit)
			err := p.ws.Ping(ping)
			cancel()
			if err != nil {
				gone()
				p.ws.CloseNow()
				return
			}
		}
	}
}
