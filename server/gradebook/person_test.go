package gradebook

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/labmark/labmark/server/store"
)

func TestPersonIsExportedWhole(t *testing.T) {
	c := newClass(t)
	nine := 9.0
	c.decide([]store.Override{{ContextID: c.context, UserID: c.ada, Course: "linux", Tutorial: "users", Points: &nine, Reason: "Agreed.", By: c.tessa}},
		[]store.Allowance{{ContextID: c.context, UserID: c.ada, Course: "linux", Tutorial: "net", Excused: true, Reason: "Was ill."}})
	if err := c.Store.OpenHint(t.Context(), store.Owner{UserID: c.ada, Context: c.context, Course: "linux", Tutorial: "users"}, "hint-1"); err != nil {
		t.Fatal(err)
	}
	text, err := c.ExportUser(t.Context(), c.ada, true)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(text) {
		t.Fatalf("no JSON: %s", text)
	}
	for _, want := range []string{"Ada Ansah", "ada@uni.example", `"S11"`, "Linux 2026", "attempt-001", "stdout of attempt-003", "hint-1", "Agreed.", "Was ill.", `"platformNumber": "11"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the export lacks %s:\n%s", want, text)
		}
	}
	for _, other := range []string{"Bob", "attempt-004", "Tessa"} {
		if strings.Contains(string(text), other) {
			t.Errorf("the export tells of others: %s", other)
		}
	}
	if _, err := c.ExportUser(t.Context(), 999, true); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}
