package facts

import (
	"context"
	"encoding/json"
	"testing"
	"time"
)

// What comes as facts is read without a panic, and what passes Check has
// values that can be compared with anything.
func FuzzFacts(f *testing.F) {
	f.Add([]byte(`[{"kind":"file","subject":"/etc/motd","wants":[{"field":"mode","value":{"text":"u=rw"}}]}]`), "0644")
	f.Add([]byte(`[{"not":{"any":[{"kind":"package","subject":"a","wants":[{"field":"version","value":{"text":">= 1:2~3-4"}}]}]}}]`), "1.0~-")
	f.Add([]byte(`[{"kind":"user","subject":"a","wants":[{"field":"groups","value":{"all":[{"text":"/x|y/"},{"not":{"text":""}}]}}]}]`), "x")
	f.Fuzz(func(t *testing.T, text []byte, got string) {
		var list []Fact
		if json.Unmarshal(text, &list) != nil || len(list) > 20 {
			return
		}
		list = Fill(list, map[string]string{"a": got})
		Mentions(list, "a")
		for _, fact := range list {
			if fact.Check() != nil || fact.Kind == "" {
				continue
			}
			s := seen{fields: map[string][]string{}}
			for _, field := range Fields(fact.Kind) {
				s.fields[field] = []string{got}
			}
			found := fact.judge(s, nil)
			if found.Sentence() == "" || found.Line() == "" {
				t.Errorf("%+v says nothing", fact)
			}
		}
	})
}

// Files of the machine are hostile, too.
func FuzzTables(f *testing.F) {
	f.Add("  0: 0100007F:1F90 00000000:0000 0A 0 0 0 0 0 123", "25 1 0:3 / /a rw - ext4 /dev/x rw", "[Service]\nExecStart=-/bin/x\n")
	f.Fuzz(func(_ *testing.T, table, mounts, unit string) {
		sockets(table, 8080, true)
		parseMount(mounts, "/a")
		programsOf(unit, unit)
		compareVersions(table, unit)
		_, _ = parseMode(mounts)
	})
}

func FuzzQuestion(f *testing.F) {
	f.Add([]byte(`{"facts":[{"kind":"file","subject":"/etc/motd"}],"time":1000000}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var q Question
		if json.Unmarshal(text, &q) != nil || NeedsShell(q.Facts) {
			return // commands of a fuzzer's are better not run
		}
		for _, fact := range q.Facts {
			if fact.Check() != nil || fact.Kind == "http" || fact.Not != nil || len(fact.Any) > 0 {
				continue
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			m := Machine{Root: t.TempDir()}
			m.Look(ctx, []Fact{fact})
			cancel()
		}
	})
}
