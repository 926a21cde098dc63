package themes

import "testing"

func TestPointsThatWereKeptShowAsPassed(t *testing.T) {
	failed := &AttemptView{State: "done", Verdict: "fail"}
	for _, tt := range []struct {
		check CheckView
		want  string
	}{
		{CheckView{Points: 2}, "idle"},
		{CheckView{Points: 2, Last: failed}, "fail"},
		{CheckView{Points: 2, Won: 1, Last: failed}, "part"},
		{CheckView{Points: 2, Won: 2, Last: failed}, "pass"},
		{CheckView{Points: 1, Won: 0.7, Passed: true, Late: true}, "pass"},
		{CheckView{Points: 1, Won: 0.7, Passed: true, Late: true, Last: failed}, "pass"},
	} {
		if got := standing(tt.check); got != tt.want {
			t.Errorf("%+v stands at %q, want %q", tt.check, got, tt.want)
		}
	}
}
