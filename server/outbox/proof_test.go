package outbox

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/labmark/labmark/lti/ltitest"
	"github.com/labmark/labmark/server/store"
)

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
