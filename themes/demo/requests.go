package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/sample"
)

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, what, mend string) {
	answer(w, status, map[string]string{"error": what, "mend": mend})
}

func (s *stage) serveEvents(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.deaf {
		s.mu.Unlock()
		refuse(w, http.StatusServiceUnavailable, "The demo plays deaf.", "")
		return
	}
	events := make(chan event, 64)
	s.listeners[events] = true
	events <- event{"guest", s.view}
	for _, a := range s.attempts {
		if a.State == "running" {
			events <- event{"attempt", a}
		}
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.listeners, events)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	for {
		select {
		case <-r.Context().Done():
			return
		case e := <-events:
			if e.kind == "cut" {
				return
			}
			b, _ := json.Marshal(e.data)
			fmt.Fprintf(w, "event: %s\ndata: %s\n\n", e.kind, b)
			w.(http.Flusher).Flush()
		}
	}
}

func (s *stage) serveGuest(w http.ResponseWriter, r *http.Request) {
	var body struct{ Guest string }
	_ = json.NewDecoder(r.Body).Decode(&body) // an empty one means all
	if !s.order(r.PathValue("what"), body.Guest) {
		refuse(w, http.StatusNotFound, "The machine cannot do that.", "Load the page again.")
		return
	}
	answer(w, http.StatusAccepted, s.guest())
}

func (s *stage) serveCheck(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Attempt string
		Answer  []string
		Auto    bool
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Attempt == "" {
		refuse(w, http.StatusBadRequest, "The request names no attempt.", "Load the page again.")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, known := s.attempts[body.Attempt]
	if !known {
		check := r.PathValue("check")
		if what := s.refusal(check, body.Answer, body.Auto); what != "" {
			status := http.StatusConflict
			if body.Auto {
				status = http.StatusTooManyRequests
			}
			refuse(w, status, what, "")
			return
		}
		if body.Answer != nil {
			s.answers[check] = body.Answer
		}
		a = themes.AttemptView{ID: body.Attempt, Check: check, State: "running", Points: pointsOf(check), At: time.Now(), Best: s.best[check], Attempts: s.counts[check], Auto: body.Auto}
		s.attempts[a.ID] = a
		s.tell("attempt", a)
		time.AfterFunc(600*time.Millisecond, func() { s.finish(body.Attempt) })
	}
	answer(w, http.StatusAccepted, a)
}

// pointsOf asks the sample.
func pointsOf(check string) float64 {
	checks := append(sample.Checks(), sample.Looks())
	for _, q := range sample.Questions() {
		checks = append(checks, q.CheckView)
	}
	for _, c := range checks {
		if c.ID == check {
			return c.Points
		}
	}
	return 1
}

// finish decides an attempt by what was typed.
func (s *stage) finish(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.attempts[id]
	a.State, a.At = "done", time.Now()
	answer, isAnswer := s.answers[a.Check]
	switch {
	case isAnswer:
		s.judge(&a, answer)
	case a.Check == "reach" && strings.Contains(s.typed, "ip route"):
		a.Verdict, a.Message, a.Won = "pass", "The server answers.", a.Points
	case a.Check == "reach":
		a.Verdict, a.Message = "fail", "ping: connect: Network is unreachable"
	case a.Check == "archive" || s.view.State != "ready":
		a.Verdict, a.Message = "unsure", "The machine did not answer in time. This does not count as an attempt."
	case a.Check == "folder" && strings.Contains(s.typed, "mkdir work"):
		a.Verdict, a.Message, a.Won = "pass", "The folder work is there.", a.Points
	case a.Check == "folder":
		a.Verdict, a.Message = "fail", "There is no folder work in /home/student."
	case a.Check == "tidy":
		a.Verdict, a.Message, a.Won = "fail", "Two of the three pictures are still in Downloads.", 0.5
	default:
		a.Verdict, a.Message = "fail", "Nothing of it is there yet.\nexpected: <b>something</b>\nfound:    nothing"
	}
	if a.Verdict != "unsure" && (!a.Auto || a.Verdict == "pass") {
		s.counts[a.Check]++
	}
	s.best[a.Check] = max(s.best[a.Check], a.Won)
	a.Best, a.Attempts = s.best[a.Check], s.counts[a.Check]
	s.count(&a)
	s.attempts[id] = a
	if !a.Auto || a.Verdict == "pass" {
		s.last[a.Check] = a
	}
	if s.silent {
		return
	}
	s.tell("attempt", a)
	total := themes.Score{Of: s.of()}
	for _, p := range s.best {
		total.Points += p
	}
	s.tell("score", map[string]float64{"points": total.Points, "of": total.Of})
	if a.Verdict == "fail" {
		s.failures++
	}
	if s.failures >= 2 {
		s.tell("hint", map[string]any{"id": "hint-3", "due": true})
	}
}

func (s *stage) serveHint(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.PathValue("hint") == "hint-3" && s.failures < 2 {
		refuse(w, http.StatusConflict, "This hint is not due yet.", "Try the task first.")
		return
	}
	answer(w, http.StatusOK, map[string]string{"html": sample.HintHTML})
}

func (s *stage) serveSolution(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"html": "<pre><code>mkdir -p ~/work\necho hello &gt; ~/work/notes.txt</code></pre>"})
}

// pull lets tests make things happen: "forget" everything; "fail" the
// machine; "cut" all connections; "silence" results; play "deaf" (cut, and
// refuse new connections) and "hear" again; "hold" the machine in its states
// until "release"; make setups "break", tell of "trouble" at the start; grow "busy" for checks that look by
// themselves, and "idle" again; send one event of a "cell", a "row" or a
// "grade". It reports whether there is such a lever.
func (s *stage) pull(lever string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch lever {
	case "forget":
		s.disconnect()
		s.forget()
	case "fail":
		s.disconnect()
		s.enter("failed", "The machine ran out of memory. Your points are safe.")
	case "deaf":
		s.deaf = true
		s.disconnect()
		s.tell("cut", nil)
	case "hear":
		s.deaf = false
	case "cut":
		s.disconnect()
		s.tell("cut", nil)
	case "hold":
		s.held = true
	case "release":
		s.held = false
		if s.next != nil {
			s.next()
		}
	case "silence":
		s.silent = true
	case "break":
		s.broken = true
	case "trouble":
		s.tell("setup", themes.SetupView{State: "failed", Message: "The exercise could not be prepared. That is not your fault."})
	case "busy", "idle":
		s.busy = lever == "busy"
	case "cell", "row", "grade":
		s.tell(lever, classEvent(lever))
	default:
		return false
	}
	return true
}
