package web

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/coder/websocket"
	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
)

// closeNoScreen tells a page that there is nothing to be seen, now or later.
// Its reason is for the student to read.
const closeNoScreen websocket.StatusCode = 4004

// Limits of one connection to a screen.
const (
	screenDial  = 15 * time.Second // for the node to open it
	screenFrame = 64 << 10         // bytes in one frame from a page: keys, and clipboards in slices
	screenPiece = 32 << 10         // bytes that wait here for a page, at most
)

// desktop joins a page's WebSocket to the screen of the student's guest. It
// carries bytes of RFB (RFC 6143) both ways and changes none of them: what
// the page may send, its student may send.
func (s *site) desktop(c *gin.Context) {
	o := owner(c)
	ws, err := websocket.Accept(c.Writer, c.Request, &websocket.AcceptOptions{OriginPatterns: []string{s.origin()}})
	if err != nil {
		return // Accept has answered
	}
	defer ws.CloseNow()
	ws.SetReadLimit(screenFrame)

	dial, cancel := context.WithTimeout(c.Request.Context(), screenDial)
	defer cancel()
	t, _ := s.Catalog.Tutorial(o)
	name := c.Query("guest")
	if g := screen(t, name); g != nil {
		name = g.Name
	}
	screen, err := s.Guests.Desktop(dial, o, name)
	switch {
	case errors.Is(err, guests.ErrNoGuest), errors.Is(err, vmbackend.ErrNoGuest), errors.Is(err, vmbackend.ErrWrongState):
		ws.Close(closeNoGuest, "no running guest")
		return
	case errors.Is(err, guests.ErrNoScreen):
		ws.Close(closeNoScreen, s.words(c).Say("Your machine is from before this tutorial had a screen. Reset it to get one that has."))
		return
	case errors.Is(err, vmbackend.ErrNotOffered):
		s.Log.Warn("a tutorial wants a screen, and this server's guests have none", "course", o.Course, "tutorial", o.Tutorial, "err", err)
		ws.Close(closeNoScreen, s.words(c).Say("Machines on this server have no screen. Work in the terminal, and tell your instructor."))
		return
	case errors.Is(err, guests.ErrManyScreens):
		ws.Close(websocket.StatusTryAgainLater, err.Error())
		return
	case err != nil:
		s.Log.Warn("no screen", "user", o.UserID, "err", err)
		ws.Close(websocket.StatusTryAgainLater, "no screen")
		return
	}
	defer screen.Close()
	address := c.ClientIP()
	s.show(c, &pipe{ws: ws, active: func() { s.Guests.Active(o, address) }}, screen)
	if _, err := s.Guests.Machine(o, name); err != nil {
		ws.Close(closeNoGuest, "the guest has gone")
		return
	}
	ws.Close(websocket.StatusTryAgainLater, "the connection to the screen was lost")
}

// show carries bytes both ways until the guest, the page or the session ends.
func (s *site) show(c *gin.Context, p *pipe, screen net.Conn) {
	ctx, cancel := context.WithCancel(c.Request.Context())
	defer cancel()
	// Ends the copying, both ways: a screen by SSH has no deadlines.
	defer context.AfterFunc(ctx, func() { screen.Close() })()
	go func() {
		defer cancel()
		fromViewer(ctx, p, screen)
	}()
	go p.keepAlive(ctx, cancel)
	// The goroutine may outlive the request, whose values Gin uses again.
	signedOut := s.signedOut(c)
	go func() {
		if p.endsWhen(ctx, signedOut) {
			cancel()
		}
	}()
	_, _ = io.CopyBuffer(p, onlyReader{screen}, make([]byte, screenPiece)) // either side may end it at any time
}

// onlyReader keeps io.CopyBuffer to the buffer that it is given.
type onlyReader struct{ io.Reader }

// touched says whether a frame from a page is of keys or of the mouse. The page
// sends each message of RFB in a frame of its own (RFC 6143, section 7.5;
// 255 is QEMU's way to send keys).
func touched(frame []byte) bool {
	return len(frame) > 0 && (frame[0] == 4 || frame[0] == 5 || frame[0] == 255)
}

// fromViewer carries what a page sends. Anything but bytes ends it.
func fromViewer(ctx context.Context, p *pipe, screen net.Conn) {
	ws := p.ws
	for {
		kind, data, err := ws.Read(ctx)
		if err != nil {
			return
		}
		if kind != websocket.MessageBinary {
			ws.Close(websocket.StatusUnsupportedData, "only binary frames")
			return
		}
		if touched(data) {
			p.active()
		}
		// A screen that takes no keys for so long is not one to wait for.
		_ = screen.SetWriteDeadline(time.Now().Add(writeLimit))
		if _, err := screen.Write(data); err != nil {
			return
		}
	}
}

// endsWhen asks a question now and then, ends the connection when the answer is
// yes, and says so. It returns when ctx ends at the latest.
func (p *pipe) endsWhen(ctx context.Context, signedOut func() bool) bool {
	tick := time.NewTicker(pingInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
			if signedOut() {
				p.ws.Close(websocket.StatusPolicyViolation, "signed out")
				return true
			}
		}
	}
}

// signedOut makes a function that says whether the request's session is no
// longer its user's, or its launch is void by now. A database that does not
// answer has signed nobody out.
func (s *site) signedOut(c *gin.Context) func() bool {
	token, user, byLaunch := s.sessions.Token(c.Request.Context()), viewer(c).ID, base(c) != ""
	return func() bool {
		// Not the request's context, which keeps what it has loaded.
		session, err := s.sessions.Load(context.Background(), token)
		if err != nil {
			return false
		}
		if s.sessions.GetInt(session, userKey) != int(user) {
			return true
		}
		if !byLaunch {
			return false
		}
		_, err = s.launchOf(session)
		return errors.Is(err, store.ErrNotFound)
	}
}
