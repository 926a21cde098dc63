package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/lti/ltitest"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
)

// workerDir in the environment makes this binary a gateway's outbox over the
// database in that folder, to be killed.
const workerDir = "LABMARK_TEST_OUTBOX"

func TestMain(m *testing.M) {
	if dir := os.Getenv(workerDir); dir != "" {
		if err := work(dir); err != nil {
			fmt.Fprintln(os.Stderr, "outbox under test:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// work sends grades until it is killed, or its parent has ended.
func work(dir string) error {
	db, err := store.Open(filepath.Join(dir, "labmark.db"))
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, "key.pem"))
	if err != nil {
		return err
	}
	key, err := lti.ParsePEM(text, time.Now().Add(-time.Hour))
	if err != nil {
		return err
	}
	o := New(Config{Store: db, Grade: latest(db), Parallel: 8, Pace: -1, Pause: 50 * time.Millisecond,
		Client: &lti.Client{HTTP: &http.Client{Timeout: 400 * time.Millisecond},
			Keys: func(context.Context) ([]lti.Key, error) { return []lti.Key{key}, nil }},
		Platform: platformOf(db), Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	go func() {
		// The marks are made by another process.
		for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
			o.Kick()
		}
	}()
	o.Run(ctx)
	return nil
}

func platformOf(db *store.Store) func(context.Context, uint) (lti.Platform, error) {
	return func(ctx context.Context, id uint) (lti.Platform, error) {
		c, err := db.Context(ctx, id)
		if err != nil {
			return lti.Platform{}, err
		}
		p, err := db.Platform(ctx, c.PlatformID)
		return lti.Platform{ID: p.ID, Issuer: p.Issuer, ClientID: p.ClientID, TokenURL: p.TokenURL, Product: p.Product}, err
	}
}

// latest grades by the newest attempt, and tells its number.
func latest(db *store.Store) func(context.Context, store.ResourceLink, uint) (progress.Grade, error) {
	return func(ctx context.Context, l store.ResourceLink, user uint) (progress.Grade, error) {
		w, err := db.Work(ctx, store.Owner{UserID: user, Context: l.ContextID, Course: l.Course, Tutorial: l.Tutorial})
		if err != nil || len(w.Attempts) == 0 {
			return progress.Grade{}, fmt.Errorf("%d attempts of user %d: %w", len(w.Attempts), user, err)
		}
		last := slices.MaxFunc(w.Attempts, func(a, b store.Attempt) int { return a.StartedAt.Compare(b.StartedAt) })
		return progress.Grade{Given: 10 * last.Score, Maximum: 10, Comment: fmt.Sprintf("attempt %d", len(w.Attempts)),
			Progress: progress.InProgress, At: last.StartedAt}, nil
	}
}

const (
	proofStudents = 100
	proofChanges  = 10 // for each student
)

// proof is a class at a platform that fails, and an outbox that gets killed.
type proof struct {
	t      *testing.T
	dir    string
	db     *store.Store
	lms    *ltitest.Platform
	link   ltitest.Link
	launch store.Launch // any student's
	subs   []string
	users  map[string]uint
	final  map[string]float64 // points of ten
	made   map[string]int     // attempts
	worker *exec.Cmd
	stdin  io.Closer
}

// TestNoGradeIsLostOrSentTwice makes 1,000 marks for a platform that fails 30 %
// of calls, answers late or not at all, and is down for a while, while the
// gateway's process is killed and restarted three times.
func TestNoGradeIsLostOrSentTwice(t *testing.T) {
	for _, kind := range []ltitest.Kind{ltitest.Moodle, ltitest.Canvas} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel() // they wait more than they work
			p := mustProof(t, kind)
			trouble := ltitest.Faults{Seed: 7, Fail: 0.3, Late: 0.05, LateBy: 600 * time.Millisecond, Lost: 0.05}
			p.lms.SetFaults(trouble)
			p.start()
			chance := rand.New(rand.NewPCG(7, 7))
			for change := range proofChanges {
				for n, student := range chance.Perm(proofStudents) {
					p.mark(p.subs[student], float64(chance.IntN(101))/100)
					switch {
					case n == 50 && (change == 2 || change == 5 || change == 8):
						p.kill()
						p.start()
					case n == 20 && change == 4:
						down := trouble
						down.Down, down.Cut = true, true
						p.lms.SetFaults(down)
					case n == 80 && change == 5:
						p.lms.SetFaults(trouble)
					}
				}
				if change != 4 {
					p.poll("send most grades", func() bool { return p.waiting() < proofStudents/5 })
				}
			}
			p.settled()
			p.verify()
		})
	}
}

func mustProof(t *testing.T, kind ltitest.Kind) *proof {
	t.Helper()
	p := &proof{t: t, dir: t.TempDir(), users: map[string]uint{}, final: map[string]float64{}, made: map[string]int{}}
	srv := httptest.NewUnstartedServer(nil)
	srv.Start()
	t.Cleanup(srv.Close)
	p.lms = ltitest.New(ltitest.Config{Kind: kind, Issuer: srv.URL})
	srv.Config.Handler = p.lms

	keys, _ := lti.Rotate(nil, time.Now().Add(-time.Hour))
	if err := os.WriteFile(filepath.Join(p.dir, "key.pem"), keys[0].PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	tool := p.lms.AddTool(ltitest.Tool{LaunchURLs: []string{"http://127.0.0.1:9/lti/launch"}, KeySet: lti.JWKS(keys)})
	course := p.lms.AddCourse(ltitest.Course{Title: "Introduction to Linux"})
	p.link = p.lms.AddLink(ltitest.Link{Course: course.ID, Client: tool.ClientID, Title: "Users and groups", Points: 10})

	var err error
	if p.db, err = store.Open(filepath.Join(p.dir, "labmark.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.db.Close() })
	platform := store.Platform{Name: "LMS", Issuer: srv.URL, ClientID: tool.ClientID, TokenURL: p.lms.TokenURL(),
		Product: string(kind), State: store.PlatformActive}
	if err := p.db.AddPlatform(t.Context(), &platform); err != nil {
		t.Fatal(err)
	}
	for n := range proofStudents {
		u := p.lms.AddUser(ltitest.User{Given: fmt.Sprint("Student ", n)})
		p.lms.Enrol(course.ID, u.ID, "Learner")
		p.subs = append(p.subs, u.ID)
		items := p.lineItems(u.ID)
		l, err := p.db.TakeLaunch(t.Context(), store.Launch{User: store.User{PlatformID: &platform.ID, Subject: &u.ID},
			Context:    &store.Context{PlatformID: platform.ID, LTIID: course.ID, LineItems: items},
			Membership: store.Membership{Learner: true},
			Link:       &store.ResourceLink{LTIID: p.link.ID, Course: "linux", Tutorial: "users"}})
		if err != nil {
			t.Fatal(err)
		}
		p.launch, p.users[u.ID] = l, l.User.ID
	}
	return p
}

// lineItems is the address that a launch tells.
func (p *proof) lineItems(user string) string {
	p.t.Helper()
	claims, err := p.lms.Claims(ltitest.Message{User: user, Link: p.link.ID}, "nonce")
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := json.Marshal(claims["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"])
	var endpoint struct {
		LineItems string `json:"lineitems"`
	}
	if err == nil {
		err = json.Unmarshal(text, &endpoint)
	}
	if err != nil || endpoint.LineItems == "" {
		p.t.Fatalf("a launch tells no line items: %s, %v", text, err)
	}
	return endpoint.LineItems
}

func (p *proof) start() {
	p.t.Helper()
	p.worker = exec.Command(os.Args[0])
	p.worker.Env = append(os.Environ(), workerDir+"="+p.dir)
	p.worker.Stderr = os.Stderr
	var err error
	if p.stdin, err = p.worker.StdinPipe(); err == nil {
		err = p.worker.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// kill ends the gateway by SIGKILL, but not before it has sent something.
func (p *proof) kill() {
	p.t.Helper()
	asked := len(p.lms.Requests())
	p.poll("ask for something", func() bool { return len(p.lms.Requests()) > asked })
	if err := p.worker.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	_ = p.worker.Wait()
}

// mark stores an attempt, and by that puts its grade into the outbox.
func (p *proof) mark(sub string, score float64) {
	p.t.Helper()
	p.made[sub]++
	p.final[sub] = 10 * score
	a := store.Attempt{ID: fmt.Sprint(sub, " ", p.made[sub]), UserID: p.users[sub], ContextID: p.launch.Context.ID,
		Course: "linux", Tutorial: "users", Check: "x"}
	_, _, err := p.db.BeginAttempt(p.t.Context(), a)
	if err == nil {
		now := time.Now()
		a.Verdict, a.Score, a.EndedAt = "partial", score, &now
		err = p.db.FinishAttempt(p.t.Context(), a)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *proof) poll(what string, done func() bool) {
	p.t.Helper()
	for end := time.Now().Add(5 * time.Minute); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("the outbox did not %s within five minutes", what)
		}
	}
}

// waiting counts the grades that are not at the platform.
func (p *proof) waiting() (n int) {
	p.t.Helper()
	rows, err := p.db.OutboxOf(p.t.Context(), p.launch.Context.ID)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, r := range rows {
		switch r.State {
		case store.OutboxSent:
		case store.OutboxWaiting, store.OutboxSending:
			n++
		default:
			p.t.Fatalf("user %d: %s, %s (%s)", r.UserID, r.State, r.Why, r.LastError)
		}
	}
	return n
}

// settled waits until the outbox believes to be done, and ends it.
func (p *proof) settled() {
	p.t.Helper()
	p.poll("send all grades", func() bool { return p.waiting() == 0 })
	p.stdin.Close()
	if err := p.worker.Wait(); err != nil {
		p.t.Error(err)
	}
}

// verify looks at what the platform has, and at all that it was sent.
func (p *proof) verify() {
	p.t.Helper()
	accepted, refused, marks := 0, 0, 0
	for _, c := range p.lms.Gradebook() {
		if c.Link != p.link.ID || !c.Coupled {
			p.t.Errorf("the outbox has made a column %q of its own", c.Label)
		}
	}
	for sub, want := range p.final {
		marks += p.made[sub]
		cell := p.lms.Cell(p.link.ID, sub)
		if cell.Shown == nil || math.Abs(*cell.Shown-want) > 1e-5 {
			p.t.Errorf("student %s: the platform shows %+v, want %v", sub, cell, want)
		}
		if p.lms.Kind() == ltitest.Canvas && cell.Submissions != 1 {
			p.t.Errorf("student %s has used %d attempts at Canvas, want 1", sub, cell.Submissions)
		}
		last, stamp := 0, time.Time{}
		for _, post := range cell.Accepted() {
			accepted++
			var s struct {
				Comment string `json:"comment"`
			}
			var n int
			if err := json.Unmarshal([]byte(post.Body), &s); err != nil {
				p.t.Fatal(err)
			}
			if _, err := fmt.Sscanf(s.Comment, "attempt %d", &n); err != nil {
				p.t.Fatal(err)
			}
			if n == last {
				p.t.Errorf("student %s: the grade of attempt %d was sent again after it was accepted", sub, n)
			}
			if n < last || post.Timestamp.Unix() <= stamp.Unix() {
				p.t.Errorf("student %s: attempt %d of %v came after attempt %d of %v", sub, n, post.Timestamp, last, stamp)
			}
			last, stamp = n, post.Timestamp
		}
		refused += len(cell.Posts) - len(cell.Accepted())
		if last != p.made[sub] {
			p.t.Errorf("student %s: the last score is of attempt %d of %d", sub, last, p.made[sub])
		}
	}
	p.t.Logf("%d marks of %d students: %d scores accepted, %d refused; %d requests in all", marks, len(p.final), accepted, refused, len(p.lms.Requests()))
	if marks != proofStudents*proofChanges || refused > accepted {
		p.t.Errorf("%d marks; %d scores refused", marks, refused)
	}
}
