package main

import (
	"net/http"
	"slices"

	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/sample"
)

// keys are the right answers to the sample's questions.
var keys = map[string][]string{
	"layer": {"b2"}, "private": {"m1", "p8", "z5"}, "gateway": {"10.77.1.1"}, "hosts": {"254"}, "order": {"a1", "r4", "t2", "s6"},
}

// widgets is the page of the questions, as it stands now.
func (s *stage) widgets(nonce string) themes.Page {
	s.mu.Lock()
	defer s.mu.Unlock()
	questions, looks := sample.Questions(), sample.Looks()
	for i := range questions {
		q := &questions[i]
		q.Answer = s.answers[q.ID]
		s.stand(&q.CheckView)
		if q.Last != nil && q.Last.Feedback != "" {
			q.Feedback = []themes.Part{{HTML: q.Last.Feedback}}
		}
	}
	s.stand(&looks)
	return sample.Widgets(nonce, s.view, questions, looks)
}

// stand fills in what became of a check. The caller holds mu.
func (s *stage) stand(c *themes.CheckView) {
	c.Won, c.Attempts, c.Passed = s.best[c.ID], s.counts[c.ID], s.best[c.ID] >= c.Points
	if last, ok := s.last[c.ID]; ok {
		c.Last = &last
	}
}

// refusal says why an attempt may not be made; empty when it may.
func (s *stage) refusal(check string, answer []string, auto bool) string {
	if auto && s.busy {
		return "That is asked too often."
	}
	if left := s.left(check); answer != nil && left != nil && *left == 0 {
		return "There are no answers left."
	}
	return ""
}

// left is how many answers a question still takes; nil where any number.
func (s *stage) left(check string) *int {
	for _, q := range sample.Questions() {
		if q.ID == check && q.MaxAttempts > 0 {
			left := q.MaxAttempts - s.counts[check]
			return &left
		}
	}
	return nil
}

// count says how many answers are left. It is called when the attempt counts.
func (s *stage) count(a *themes.AttemptView) { a.Left = s.left(a.Check) }

func (s *stage) judge(a *themes.AttemptView, answer []string) {
	key := keys[a.Check]
	right := 0
	for i, c := range answer {
		if (a.Check == "order" && key[i] == c) || (a.Check != "order" && slices.Contains(key, c)) {
			right++
		}
	}
	switch {
	case right == len(key) && len(answer) == len(key):
		a.Verdict, a.Message, a.Won = "pass", "That is right.", a.Points
	case right > 0 && right < len(key):
		a.Verdict, a.Message, a.Won = "fail", "Some of it is right.", a.Points/2
	default:
		a.Verdict, a.Message = "fail", "That is not right."
	}
	if a.Check == "layer" && answer[0] == "k7" {
		a.Feedback = "<p>The client <em>sends</em>; look at its routes with <code>ip route</code>.</p>"
	}
}

// of are the points to be had on this stage.
func (s *stage) of() float64 {
	if len(s.guests) < 2 {
		return 6
	}
	of := sample.Looks().Points
	for _, q := range sample.Questions() {
		of += q.Points
	}
	return of
}

func (s *stage) serveStep(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	step := r.PathValue("step")
	if len(s.guests) > 1 && step == "route" {
		s.tell("setup", themes.SetupView{Step: step, State: "running"})
		end := themes.SetupView{Step: step, State: "done"}
		if s.broken {
			end = themes.SetupView{Step: step, State: "failed", Message: "The router could not be prepared. That is not your fault, and costs you nothing."}
		}
		s.later(func() { s.tell("setup", end) })
	}
	w.WriteHeader(http.StatusAccepted)
}

func (s *stage) serveFile(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		refuse(w, http.StatusBadGateway, "The file could not be written.", "Try again in a moment.")
		return
	}
	answer(w, http.StatusOK, map[string]string{"path": "/etc/network/interfaces.d/lan"})
}
