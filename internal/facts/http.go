package facts

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/labmark/labmark/internal/plainhttp"
)

// askTime is how long a server may take to answer where the author says
// nothing else.
const askTime = 5 * time.Second

// httpSeen asks a server, once, and follows no redirection.
func httpSeen(ctx context.Context, f Fact) (seen, error) {
	u, err := url.Parse(f.Subject)
	if err != nil {
		return seen{}, err
	}
	limit := askTime
	if d, err := time.ParseDuration(f.option("timeout")); err == nil {
		limit = d
	}
	limit = timeLeft(ctx, limit)
	asked, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r := plainhttp.Request{Method: strings.ToUpper(f.option("method")), URL: u,
		Header: []plainhttp.Field{{Name: "User-Agent", Value: "labmark"}, {Name: "Accept", Value: "*/*"}}}
	if host := f.option("host"); host != "" {
		r.Header = append(r.Header, plainhttp.Field{Name: "Host", Value: host})
	}
	answer, err := plainhttp.Do(asked, r)
	if err != nil {
		return seen{missing: whyNoAnswer(err, limit)}, nil
	}
	defer func() { _ = answer.Body.Close() }()
	s := seen{fields: map[string][]string{"status": {strconv.Itoa(answer.Status)}, "redirect": {answer.Get("Location")}}}
	for _, w := range f.Wants {
		if name, ok := strings.CutPrefix(w.Field, "header "); ok {
			s.fields[w.Field] = []string{answer.Get(name)}
		}
	}
	if f.wants("contains", "matches", "equals") {
		text, cut, err := readBounded(asked, answer.Body)
		if err != nil {
			s.missing = "an answer that broke off"
			return s, nil
		}
		if cut {
			s.note = fmt.Sprintf(" (only its first %d KB were looked at)", maxText>>10)
		}
		for _, field := range []string{"contains", "matches", "equals"} {
			s.fields[field] = []string{text}
		}
	}
	return s, nil
}

func whyNoAnswer(err error, limit time.Duration) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody who listens there"
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within %g s", limit.Seconds())
	case errors.Is(err, plainhttp.ErrNotHTTP):
		return "an answer that is not HTTP"
	}
	return "no answer (" + err.Error() + ")"
}
