package simulated

import (
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"sync"

	"github.com/labmark/labmark/vmbackend"
)

var _ vmbackend.Desktop = (*Backend)(nil)

// Show is the call DialDesktop, for faults.
const Show Call = "desktop"

// TypedFile is what the guest's screen writes each line to that is typed at it
// and ended with Enter.
const TypedFile = "/screen/typed"

// DialDesktop implements vmbackend.Desktop. The screen is of one colour, which
// differs from guest to guest, with a block for each character that was typed.
// Ctrl+V types the clipboard that a viewer gave; Enter keeps the line in
// TypedFile and gives it to the viewers' clipboards; Ctrl+Alt+Del wipes the
// screen. The desktop's name is the guest's ID.
func (b *Backend) DialDesktop(ctx context.Context, id string) (net.Conn, error) {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	conn, err := b.dialDesktop(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("open the screen of guest %s: %w", id, err)
	}
	return conn, nil
}

func (b *Backend) dialDesktop(ctx context.Context, id string) (net.Conn, error) {
	if err := b.open(ctx); err != nil {
		return nil, err
	}
	g, r, err := b.running(id)
	if err != nil {
		return nil, err
	}
	if !g.record.Spec.Desktop {
		return nil, vmbackend.ErrNotOffered
	}
	f := b.options.Faults.take(Show, id)
	if err := f.befall(ctx, func() { g.end("died") }); err != nil {
		return nil, err
	}
	host, inside := newPipe()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.run != r {
		return nil, fmt.Errorf("it ended meanwhile: %w", vmbackend.ErrWrongState)
	}
	r.track(host)
	return host, b.serve(func() {
		defer r.untrack(host)
		conn := &gated{Conn: inside, run: r, left: f.CutAfter, counts: f.CutAfter > 0}
		stop := context.AfterFunc(r.ctx, func() { _ = conn.Close() })
		defer stop()
		g.display(r).serve(conn)
	})
}

// display is what a guest shows from its start to its end. Its mutex guards
// all of it, and what viewers have been told.
type display struct {
	name   string
	ground uint32 // 0xRRGGBB
	keep   func(line string)

	mu            sync.Mutex
	changed       *sync.Cond
	version       int // grows with every change of the picture
	width, height int // pixels
	text          []rune
	given         string // the clipboard as a viewer gave it
	taken         string // the clipboard as the guest gives it
	copies        int    // grows with every change of taken
}

func (g *guest) display(r *run) *display {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.display == nil {
		h := fnv.New32a()
		_, _ = h.Write([]byte(g.record.Spec.ID)) // never fails
		disk := &Disk{g}
		d := &display{name: g.record.Spec.ID, ground: h.Sum32()&0x7f7f7f | 0x101010, width: 640, height: 480,
			keep: func(line string) {
				before, _ := disk.Read(TypedFile)
				disk.Write(TypedFile, before+line+"\n")
			}}
		d.changed = sync.NewCond(&d.mu)
		r.display = d
	}
	return r.display
}

// X11's names of the keys that are not characters.
const (
	keyBackspace = 0xff08
	keyEnter     = 0xff0d
	keyControl   = 0xffe3
	keyAlt       = 0xffe9
	keyDelete    = 0xffff
)

// press types a key. It says whether that made a line, which the caller keeps.
func (d *display) press(key uint32, control, alt bool) (line string, whole bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case key == keyDelete && control && alt:
		d.text = nil
	case key == 'v' && control:
		d.text = append(d.text, []rune(d.given)...)
	case control || alt:
		return "", false
	case key == keyBackspace:
		d.text = d.text[:max(0, len(d.text)-1)]
	case key == keyEnter:
		line, whole = string(d.text), true
		d.taken, d.text = line, nil
		d.copies++
	case key >= ' ' && key <= '~' || key >= 0xa0 && key <= 0xff:
		d.text = append(d.text, rune(key))
	case key>>24 == 1: // a character beyond Latin 1, see X11's keysyms
		d.text = append(d.text, rune(key&0xffffff))
	default:
		return "", false
	}
	d.touch()
	return line, whole
}

// touch marks a change of the picture. d.mu is held.
func (d *display) touch() {
	d.version++
	d.changed.Broadcast()
}

// Size of the block that stands for a character, with its gap, in pixels.
const (
	blockWidth  = 12
	blockHeight = 22
	blockGap    = 3
)

// block is a rectangle in one colour.
type block struct {
	colour     uint32
	x, y, w, h uint16
}

// blocks are what stands on the ground. d.mu is held.
func (d *display) blocks() []block {
	var all []block
	columns := max(1, d.width/blockWidth)
	for i, c := range d.text {
		x, y := i%columns*blockWidth, i/columns*blockHeight
		if y+blockHeight > d.height || x+blockWidth > d.width {
			break
		}
		colour := uint32(c)*2654435761>>8 | 0xa0a0a0 // light, on a dark ground
		all = append(all, block{colour, uint16(x), uint16(y), blockWidth - blockGap, blockHeight - blockGap})
	}
	return all
}
