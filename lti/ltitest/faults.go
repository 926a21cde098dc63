package ltitest

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Faults are what the platform does wrong on purpose. The zero value is a
// platform in good health. Shares are from 0 to 1, and drawn in an order that
// Seed fixes.
type Faults struct {
	Seed uint64

	// Down answers every endpoint with 503, or cuts the connection where Cut.
	// Pages are still served, so that the fault can be lifted.
	Down, Cut bool

	// Fail is the share of requests that are refused before anything is done,
	// with a status drawn from Statuses; none means 500, 502, 503 and 429.
	Fail     float64
	Statuses []int
	// RetryAfter goes with 429 and 503, in whole seconds; 0 sends none.
	RetryAfter time.Duration

	// Latency is waited before a request is looked at.
	Latency time.Duration
	// Late is the share of requests that are carried out, but answered only
	// after LateBy; Lost is the share that are carried out and answered by a
	// cut connection.
	Late   float64
	LateBy time.Duration
	Lost   float64

	// Clock is added to the platform's clock.
	Clock time.Duration

	Token  TokenFault
	KeySet KeySetFault
	Links  LinkFault
	// TokenLife is how long access tokens work; 0 means an hour, which is also
	// what the token endpoint says of them.
	TokenLife time.Duration
	// Score answers every score with this status and stores nothing: 403,
	// 404, 409, 412, 422 …
	Score int
	// PageSize is how many entries a page of any list has; 0 means as many as
	// the kind of platform gives.
	PageSize int
	// HugeBodies answers lists of line items, results and members with 16 MiB.
	HugeBodies bool
	// LoginRequired answers every authorisation with the error login_required,
	// as if the session had ended.
	LoginRequired bool
	// NoStorage makes the platform's frame not answer messages.
	NoStorage bool
}

// TokenFault is what is wrong with the token endpoint.
type TokenFault string

// Faults of the token endpoint. That Moodle calls its JSON text/html is none.
const (
	GarbageToken  TokenFault = "garbage"        // 200 with a page
	EmptyToken    TokenFault = "empty"          // 200 with JSON without access_token
	InvalidClient TokenFault = "invalid_client" // 400
	InvalidScope  TokenFault = "invalid_scope"  // 400
	HugeToken     TokenFault = "huge"
	NoScopes      TokenFault = "no scopes" // grants none of those asked for, silently
	DeadToken     TokenFault = "dead"      // gives tokens that every service refuses with 401
)

// KeySetFault is what is wrong with the key set.
type KeySetFault string

// Faults of the key set.
const (
	EmptyKeys   KeySetFault = "empty"
	GarbageKeys KeySetFault = "garbage"
	HugeKeys    KeySetFault = "huge"    // 16 MiB
	SlowKeys    KeySetFault = "slow"    // a byte now and then, without end
	LoopingKeys KeySetFault = "looping" // redirects to itself
	MissingKeys KeySetFault = "missing" // 404
	WrongKid    KeySetFault = "wrong kid"
)

// LinkFault is what is wrong with Link headers.
type LinkFault string

// Faults of Link headers.
const (
	LoopingLinks   LinkFault = "looping"  // next is this page
	EndlessLinks   LinkFault = "endless"  // there is always one more page
	OffHostLinks   LinkFault = "off-host" // next is on another host
	RelativeLinks  LinkFault = "relative" // not wrong, by RFC 8288
	MalformedLinks LinkFault = "malformed"
)

// SetFaults replaces all faults; Faults{} heals the platform.
func (p *Platform) SetFaults(f Faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = f
	p.chance = newChance(f.Seed)
}

// Faults are those that are set.
func (p *Platform) Faults() Faults {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults
}

func newChance(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x6c74697465737400)) }

// fate is what the faults have in store for one request.
type fate struct {
	refuse     int // status; 0 for none
	late, lost bool
}

func (p *Platform) draw() (Faults, fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, c := p.faults, p.chance
	var out fate
	if c.Float64() < f.Fail {
		statuses := f.Statuses
		if len(statuses) == 0 {
			statuses = []int{500, 502, 503, 429}
		}
		out.refuse = statuses[c.IntN(len(statuses))]
	}
	out.lost = c.Float64() < f.Lost
	out.late = c.Float64() < f.Late
	return f, out
}

// faulty serves an endpoint as the faults demand.
func (p *Platform) faulty(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, fate := p.draw()
		wait(r.Context(), f.Latency)
		if f.Down && f.Cut {
			p.cut(r)
		}
		if f.Down {
			fate.refuse = http.StatusServiceUnavailable
		}
		if fate.refuse != 0 {
			p.refuse(w, r, fate.refuse, f.RetryAfter)
			return
		}
		if f.KeySet == SlowKeys && strings.HasPrefix(p.KeysURL(), p.cfg.Host+r.URL.Path) {
			serve(w, r) // writes as it goes
			p.note(r, http.StatusOK)
			return
		}
		answer := &recorder{header: http.Header{}, code: http.StatusOK}
		serve(answer, r)
		if fate.late {
			wait(r.Context(), f.LateBy)
		}
		if fate.lost {
			p.cut(r)
		}
		// Noted before it is sent: who has the answer finds the request in the log.
		p.note(r, answer.code)
		for name, values := range answer.header {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.code)
		write(w, answer.body.Bytes())
	}
}

// recorder holds an answer back until it is decided what becomes of it.
type recorder struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (a *recorder) Header() http.Header         { return a.header }
func (a *recorder) WriteHeader(code int)        { a.code = code }
func (a *recorder) Write(b []byte) (int, error) { return a.body.Write(b) }

// write sends a body to who may have gone, which is none of a platform's
// business.
func write(w io.Writer, body []byte) { _, _ = w.Write(body) }

func (p *Platform) refuse(w http.ResponseWriter, r *http.Request, status int, after time.Duration) {
	p.note(r, status)
	if after > 0 && (status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable) {
		w.Header().Set("Retry-After", strconv.Itoa(int(after/time.Second)))
	}
	http.Error(w, "<html><body><h1>"+http.StatusText(status)+"</h1></body></html>", status)
}

// cut ends the connection without an answer.
func (p *Platform) cut(r *http.Request) {
	p.note(r, 0)
	panic(http.ErrAbortHandler)
}

// wait ends early where the client gives up.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// dribble writes a body byte by byte until the client gives up.
func (p *Platform) dribble(w http.ResponseWriter, r *http.Request) {
	write(w, []byte(`{"keys":[`))
	for r.Context().Err() == nil {
		write(w, []byte(" "))
		if err := http.NewResponseController(w).Flush(); err != nil {
			return // the client has gone
		}
		wait(r.Context(), 50*time.Millisecond)
	}
}

// hugeBody is more than any honest answer.
func hugeBody() []byte {
	return append(append([]byte(`[{"label":"`), bytes.Repeat([]byte("A"), 16<<20)...), `"}]`...)
}
