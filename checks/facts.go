package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/internal/facts"
)

// look finds out about a script's facts, all in one go.
func look(ctx context.Context, client *ssh.Client, s Script) ([]facts.Finding, error) {
	question, err := json.Marshal(facts.Question{Facts: facts.Fill(s.Facts, s.Vars), Vars: s.Vars, Time: s.timeout()})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrScript, err)
	}
	if len(question) > facts.MaxQuestion || len(s.Facts) > facts.MaxFacts {
		return nil, fmt.Errorf("%w: it asks too much at once", ErrScript)
	}
	for deliveries := 0; ; deliveries++ {
		text, err := askFacts(ctx, client, s, question)
		switch {
		case errors.Is(err, errWantsToolbox) && deliveries < 2 && s.Tools != nil && s.Tools.Toolbox != nil:
			if err := s.bring(ctx, client, err); err != nil {
				return nil, err
			}
			continue
		case errors.Is(err, errNoSubsystem):
			text, err = s.probe(ctx, client, question)
		}
		if err != nil {
			return nil, err
		}
		var reply facts.Reply
		if err := json.Unmarshal(text, &reply); err != nil || len(reply.Findings) != len(s.Facts) {
			return nil, fmt.Errorf("%w: the agent's answer makes no sense", ErrNoStart)
		}
		return reply.Findings, nil
	}
}

// askFacts asks the agent, and waits a little longer than the agent looks.
func askFacts(ctx context.Context, client *ssh.Client, s Script, question []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout()+statusGrace, ErrTimeout)
	defer cancel()
	return ask(ctx, client, factsSubsystem, question)
}

// judgeFacts turns what was found, or what kept Run from finding it, into a
// verdict.
func (r *Result) judgeFacts(s Script, findings []facts.Finding, err error) {
	if err != nil {
		r.Verdict, r.Err = Unsure, err
		r.Message, r.Theirs = explain(err, s, observation{})
		r.Message += notCounted
		return
	}
	var lines strings.Builder
	var first, unsure *facts.Finding
	holds := 0
	for i := range findings {
		f := &findings[i]
		fmt.Fprintln(&lines, f.Line())
		switch {
		case f.Holds:
			holds++
		case f.Unsure && unsure == nil:
			unsure = f
		case !f.Unsure && first == nil:
			first = f
		}
	}
	var seen capture
	seen.write([]byte(lines.String()))
	r.Evidence.Stdout = seen.output()
	switch {
	case first != nil:
		r.Verdict = Fail
		if !s.Whole {
			r.Score = float64(holds) / float64(len(findings))
		}
		r.Message, r.Theirs = factsMessage(s, *first, holds, len(findings))
	case unsure != nil:
		r.Verdict = Unsure
		r.Message = clean(unsure.Sentence()) + notCounted
	default:
		r.Verdict, r.Score = Pass, 1
		r.Message = "Passed."
		if m, ok := expand(s.PassMessage, factValues(s, findings[0])); ok && clean(m) != "" {
			r.Message, r.Theirs = clean(m), clean(m)
		}
	}
}

// factsMessage is the author's :fail: line or the first fact that does not
// hold, and how many do; and what of it is the author's.
func factsMessage(s Script, f facts.Finding, holds, of int) (message, theirs string) {
	message, theirs = clean(f.Sentence()), clean(f.Message)
	if m, ok := expand(s.FailMessage, factValues(s, f)); ok && clean(m) != "" {
		message, theirs = clean(m), clean(m)
	}
	if of > 1 {
		message += fmt.Sprintf(" (%d of %d hold.)", holds, of)
	}
	return message, theirs
}

// factValues are what the author's lines may mention: the student's variables,
// and $found of the first fact that does not hold.
func factValues(s Script, f facts.Finding) map[string]string {
	values := maps.Clone(s.Vars)
	if values == nil {
		values = map[string]string{}
	}
	values["found"] = f.Found
	return values
}

// arches are names of processors as uname -m has them, in Go's words.
var arches = map[string]string{"x86_64": "amd64", "aarch64": "arm64", "s390x": "s390x"}

// probe has the agent's executable look on a machine that has no agent: it is
// brought there for this once, into a folder of its own.
func (s Script) probe(ctx context.Context, client *ssh.Client, question []byte) ([]byte, error) {
	if s.Tools == nil || s.Tools.Agent == nil {
		return nil, fmt.Errorf("%w: no agent of Labmark's runs there, which could look at facts", ErrRefused)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, bringTime+s.timeout(), ErrTimeout)
	defer cancel()
	execute := func(input []byte, command string) ([]byte, error) {
		return converse(ctx, client, "exec", "export PATH="+path+";"+command, input)
	}
	machine, err := execute(nil, "uname -m")
	if err != nil {
		return nil, err
	}
	arch := arches[strings.TrimSpace(string(machine))]
	agent, err := s.Tools.Agent(arch)
	if err != nil {
		return nil, fmt.Errorf("%w: a processor %q: %w", ErrRefused, clean(string(machine)), err)
	}
	out, err := execute(agent, `umask 077;d=$(mktemp -d)&&cat >"$d/labmark-agent"&&chmod 700 "$d/labmark-agent"&&echo "$d"`)
	if err != nil {
		return nil, err
	}
	dir := ShellQuote(strings.TrimSpace(string(out)))
	return execute(question, "timeout "+strconv.Itoa(int(s.timeout().Seconds())+2)+" "+dir+"/labmark-agent facts;s=$?;rm -rf "+dir+";exit $s")
}
