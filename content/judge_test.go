package content

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// asked compiles a question of the given attributes and body.
func asked(tb testing.TB, attributes, body string) (*Tutorial, *Question) {
	tb.Helper()
	t := mustCompile(tb, opening+":::question {#q "+attributes+"}\n"+body+":::\n")
	return t, t.Checks[0].Question
}

// pick gives the IDs of choices by their texts.
func pick(tb testing.TB, q *Question, texts ...string) []string {
	tb.Helper()
	if len(texts) == 0 {
		return nil
	}
	answer, err := q.Find(strings.Join(texts, "|"), Values{"port": "8080"})
	if err != nil {
		tb.Fatal(err)
	}
	return answer
}

func TestChoicesAreJudgedWithPartialCredit(t *testing.T) {
	_, q := asked(t, "type=choices", "- [x] a\n- [x] b\n- [ ] c\n  > c is wrong.\n- [ ] d\n- [x] e\n- [x] f\n")
	for _, c := range []struct {
		chosen string
		want   float64
	}{
		{"a b e f", 1}, {"f e b a", 1}, {"a", 0.25}, {"a b", 0.5}, {"a c", 0}, {"a b c", 0.25}, {"c d", 0}, {"a b c d e f", 0.5},
	} {
		j := q.Judge(pick(t, q, strings.Fields(c.chosen)...), nil)
		if j.Score != c.want {
			t.Errorf("%s gave %v, want %v", c.chosen, j.Score, c.want)
		}
		if told := len(j.Feedback) == 1; told != strings.Contains(c.chosen, "c") {
			t.Errorf("%s was told %v", c.chosen, j.Feedback)
		}
		if strings.ContainsAny(j.Message, "0123456789") {
			t.Errorf("%q tells how many are right", j.Message)
		}
	}
}

func TestOrderIsJudgedByNeighbours(t *testing.T) {
	_, q := asked(t, "type=order", "1. a\n2. b\n3. c\n4. d\n5. e\n")
	for order, want := range map[string]float64{"abcde": 1, "eabcd": 0.75, "bcdea": 0.75, "edcba": 0, "abdce": 0.25} {
		if got := q.Judge(pick(t, q, strings.Split(order, "")...), nil).Score; got != want {
			t.Errorf("%s gave %v, want %v", order, got, want)
		}
	}
}

func TestTextsAreJudgedAsPeopleWriteThem(t *testing.T) {
	const list = "- [ ] ls\n  > Nearly.\n- [x] `ls -l {{port}}`\n- [x] /(sudo )?cat \\*.txt {{user}}/\n- [x] Grüße\n- [x] __init__.py *\n"
	values := Values{"port": "8080", "user": "a.b"}
	for _, c := range []struct {
		answer string
		folded float64 // without case
		exact  float64 // with case
	}{
		{"ls -l 8080", 1, 1}, {"  ls   -l\t8080 ", 1, 1}, {"LS -L 8080", 1, 0}, {"ls -l 8081", 0, 0}, {"ls", 0, 0},
		{"cat *.txt a.b", 1, 1}, {"SUDO cat *.txt a.b", 1, 0}, {"cat *.txt axb", 0, 0}, {"x cat *.txt a.b", 0, 0},
		{"Grüße", 1, 1}, {"Gru\u0308ße", 1, 1}, {"grüße", 1, 0}, {"__init__.py *", 1, 1},
	} {
		for attributes, want := range map[string]float64{"type=text": c.folded, "type=text case": c.exact} {
			_, q := asked(t, attributes, list)
			if j := q.Judge([]string{c.answer}, values); j.Score != want {
				t.Errorf("%q with %s gave %v, want %v", c.answer, attributes, j.Score, want)
			}
		}
	}
	_, q := asked(t, "type=text", list)
	if j := q.Judge([]string{"ls"}, values); len(j.Feedback) != 1 || !strings.Contains(dump(j.Feedback[0]), "Nearly") {
		t.Errorf("a foreseen wrong answer was told %v", j.Feedback)
	}
}

func TestNumbersAreJudgedAsPeopleWriteThem(t *testing.T) {
	_, exact := asked(t, "type=number", "- [x] {{port}}\n- [x] 0.3\n- [x] 1234567\n- [x] -5\n")
	_, near := asked(t, "type=number tolerance=0.1", "- [x] 0.3\n- [x] {{port}}\n")
	for _, c := range []struct {
		q      *Question
		answer string
		want   float64
	}{
		{exact, "8080", 1}, {exact, " 8080 ", 1}, {exact, "8081", 0}, {exact, "0,3", 1}, {exact, ".3", 0}, {exact, "0.30000", 1},
		{exact, "1 234 567", 1}, {exact, "1'234'567", 1}, {exact, "1.234567e6", 1}, {exact, "−5", 1}, {exact, "5", 0}, {exact, "0x1f90", 0},
		{near, "0.4", 1}, {near, "0.2", 1}, {near, "0.41", 0}, {near, "8080.1", 1}, {near, "8080.2", 0}, {near, "NaN", 0}, {near, "Inf", 0},
	} {
		if got := c.q.Judge([]string{c.answer}, Values{"port": "8080"}).Score; got != c.want {
			t.Errorf("%q gave %v, want %v", c.answer, got, c.want)
		}
	}
}

func TestAnswersThatCantBeAreRefused(t *testing.T) {
	_, choice := asked(t, "type=choice", "- [x] a\n- [ ] b\n")
	_, choices := asked(t, "type=choices", "- [x] a\n- [ ] b\n")
	_, order := asked(t, "type=order", "1. a\n2. b\n")
	_, text := asked(t, "type=text", "- [x] a\n")
	_, number := asked(t, "type=number", "- [x] 1\n")
	a, b := choice.Choices[0].ID, choice.Choices[1].ID
	for _, c := range []struct {
		q      *Question
		answer []string
		ok     bool
	}{
		{choice, []string{a}, true}, {choice, nil, false}, {choice, []string{a, b}, false}, {choice, []string{"c0"}, false}, {choice, []string{"a"}, false},
		{choices, []string{a}, true}, {choices, []string{a, b}, true}, {choices, []string{a, a}, false}, {choices, nil, false},
		{order, []string{a, b}, true}, {order, []string{a}, false}, {order, []string{a, a}, false},
		{text, []string{"x"}, true}, {text, []string{" \t"}, false}, {text, nil, false}, {text, []string{"a", "b"}, false},
		{text, []string{"a\x00b"}, false}, {text, []string{"\xff"}, false}, {text, []string{strings.Repeat("a", maxAnswer)}, true}, {text, []string{strings.Repeat("a", maxAnswer+1)}, false},
		{number, []string{"1,5"}, true}, {number, []string{"one"}, false}, {number, []string{"1e999"}, false},
	} {
		err := c.q.Accepts(c.answer)
		if (err == nil) != c.ok {
			t.Errorf("%s takes %q: %v", c.q.Type, fmt.Sprintf("%.40q", c.answer), err)
		}
		_ = c.q.Judge(c.answer, nil) // must not panic, whatever comes
	}
}

// TestKeyIsRight gives each question the answer that its key has.
func TestKeyIsRight(t *testing.T) {
	text, values := opening, Values{"port": "8080", "user": "ann"}
	for i, body := range []string{
		"type=choice}\n- [ ] a\n- [x] b\n", "type=choices}\n- [x] a\n- [ ] b\n- [x] c\n", "type=order}\n1. a\n2. b\n3. c\n",
		"type=text}\n- [ ] a\n- [x] {{user}}\n", "type=number}\n- [x] {{port}}\n",
	} {
		text += fmt.Sprintf(":::question {#q-%d %s:::\n\n", i, body)
	}
	for _, c := range mustCompile(t, text).Checks {
		key := c.Question.Key(values)
		if err := c.Question.Accepts(key); err != nil || c.Question.Judge(key, values).Score != 1 {
			t.Errorf("%s: the key %q is refused (%v) or wrong", c.Question.Type, key, err)
		}
	}
}

func TestSpokenGivesWhatScriptsCanUse(t *testing.T) {
	_, q := asked(t, "type=choices", "- [x] `a` on {{port}}\n- [ ] b\n")
	values := Values{"port": "8080"}
	answer, err := q.Find("b | a on 8080", values)
	if err != nil {
		t.Fatal(err)
	}
	if got := q.Spoken(answer, values); got != "b\na on 8080" {
		t.Errorf("$ANSWER would be %q", got)
	}
	_, q = asked(t, "type=text", "- [x] a\n")
	if got := q.Spoken([]string{" $(x) 'y' "}, nil); got != "$(x) 'y'" {
		t.Errorf("$ANSWER would be %q", got)
	}
}

func TestIDsTellNothing(t *testing.T) {
	ids := func(body string) map[string]string {
		_, q := asked(t, "type=choices", body)
		all := map[string]string{}
		for _, c := range q.Choices {
			all[c.Text[0].Text] = c.ID
		}
		return all
	}
	first := ids("- [x] a\n- [ ] b\n- [ ] c\n")
	for text, id := range ids("- [ ] c\n- [x] b\n- [ ] a\n") {
		if first[text] != id {
			t.Errorf("the ID of %q changed with its place or box", text)
		}
	}
	other, _ := Load(courseWith(opening + ":::question {#r type=choices}\n- [x] a\n- [ ] b\n:::\n"))
	if other.Tutorial("web").Checks[0].Question.Choices[0].ID == first["a"] {
		t.Error("two questions have a choice of the same ID")
	}
}

func TestShuffleIsKeyedAndNeverGivesTheOrder(t *testing.T) {
	for entries := 2; entries <= 5; entries++ {
		body := ""
		for i := range entries {
			body += fmt.Sprintf("%d. entry %d\n", i+1, i)
		}
		tutorial, q := asked(t, "type=order", body)
		seen := map[string]int{}
		for i := range 500 {
			got := tutorial.Shuffle([]byte("key"), "course", fmt.Sprint(i), "q")
			ids := ""
			right := true
			for i, c := range got {
				ids += c.ID
				right = right && c.ID == q.Choices[i].ID
			}
			seen[ids]++
			if right || len(got) != entries {
				t.Fatalf("student %d sees %d entries in the right order: %v", i, len(got), right)
			}
		}
		if want := []int{1, 5, 23, 119}[entries-2]; len(seen) < want*9/10 || len(seen) > want {
			t.Errorf("%d entries came in %d orders, want about %d", entries, len(seen), want)
		}
	}
	tutorial, q := asked(t, "type=choice", "- [x] a\n- [ ] b\n- [ ] c\n")
	firsts := map[string]int{}
	for i := range 300 {
		once := tutorial.Shuffle([]byte("key"), "course", fmt.Sprint(i), "q")
		again := tutorial.Shuffle([]byte("key"), "course", fmt.Sprint(i), "q")
		if !slices.EqualFunc(once, again, func(a, b Choice) bool { return a.ID == b.ID }) {
			t.Fatal("the same student sees another order")
		}
		firsts[once[0].ID]++
	}
	if right := firsts[q.Choices[0].ID]; right < 60 || right > 140 {
		t.Errorf("the right choice stood first %d times of 300", right)
	}
}

func TestAnswerOfAnotherStudentIsNoticed(t *testing.T) {
	tutorial, _ := asked(t, "type=number", "- [x] {{port}}\n")
	own, others := Values{"port": "8001"}, []Values{{"port": "8002"}, {"port": "8003"}}
	for answer, want := range map[string]int{"8003": 1, "8002": 0, "8001": -1, "8004": -1} {
		if got := tutorial.FitsAnother("q", []string{answer}, own, others); got != want {
			t.Errorf("%s fits %d, want %d", answer, got, want)
		}
	}
	if got := tutorial.FitsAnother("none", []string{"8002"}, own, others); got != -1 {
		t.Errorf("an unknown check fits %d", got)
	}
	same, _ := asked(t, "type=text", "- [x] a\n")
	if got := same.FitsAnother("q", []string{"b"}, own, others); got != -1 {
		t.Errorf("an answer that is wrong for all fits %d", got)
	}
}
