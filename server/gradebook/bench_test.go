package gradebook

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/catalog"
	"github.com/labmark/labmark/server/store"
)

// BenchmarkClass shows a large class: 140 students, 20 checks, 50 attempts at
// each.
func BenchmarkClass(b *testing.B) {
	path := filepath.Join(b.TempDir(), "labmark.db")
	db, err := store.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	lab := &content.Tutorial{ID: "t"}
	for i := range 20 {
		lab.Checks = append(lab.Checks, &content.Check{ID: fmt.Sprint("check-", i), Points: 1, Sticky: true})
	}
	courses, err := catalog.New(nil, &content.Course{ID: "c", Tutorials: []*content.Tutorial{lab}})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 140 {
		if err := db.AddUser(b.Context(), &store.User{Login: fmt.Sprint("student-", i)}); err != nil {
			b.Fatal(err)
		}
	}
	// The store's own way, with a transaction for each, takes minutes.
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	tx, err := raw.Begin()
	if err != nil {
		b.Fatal(err)
	}
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for i := range 140 * 20 * 50 {
		at := start.Add(time.Duration(i) * time.Second)
		if _, err := tx.Exec(`INSERT INTO attempts (id, user_id, context_id, course, tutorial, check_id, state, verdict, score, message, stdout, stderr, vars, started_at, ended_at)
			VALUES (?, ?, 0, 'c', 't', ?, 'done', 'fail', 0.5, 'It did not work out.', ?, '', '{}', ?, ?)`,
			fmt.Sprint(i), i%140+1, fmt.Sprint("check-", i/140%20), "some output of some length, as a script prints it", at, at); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	book := Book{Store: db, Catalog: courses}
	for b.Loop() {
		class, err := book.Class(b.Context(), 0, "c", "t")
		if err != nil || len(class.Students) != 140 || class.Students[7].Standing.Points != 10 {
			b.Fatal(err, len(class.Students))
		}
	}
}
