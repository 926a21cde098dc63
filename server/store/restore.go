package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
)

// ErrNotEmpty is returned where a database was to be filled that has rows.
var ErrNotEmpty = errors.New("the database is not empty")

// Restore fills the database of that name, of either kind, with what Dump has
// read: all, or nothing. ErrNotEmpty if it has rows, or tables that are not of
// the dump's time. rows calls insert for each row.
func Restore(ctx context.Context, name string, d Dump, rows func(insert func(table string, object []byte) error) error) error {
	steps, err := stepsOf(d)
	if err != nil {
		return err
	}
	s, err := connect(name)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.isEmpty(ctx, d); err != nil {
		return err
	}
	// What later steps of the history do with rows, they must find to do.
	if err := s.upToDate(steps); err != nil {
		return err
	}
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := stayIdle(tx); err != nil {
			return err
		}
		f := filler{tx: tx, columns: map[string]map[string]string{}}
		if err := rows(f.add); err != nil {
			return err
		}
		if err := f.flush(); err != nil {
			return err
		}
		for _, t := range d.Tables {
			if err := setLastNumber(tx, t); err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.upToDate(len(history))
}

// stepsOf the history were taken by the database that was dumped.
func stepsOf(d Dump) (int, error) {
	n := len(d.Migrations)
	if n > len(history) {
		return 0, errors.New("it was made by a newer labmark: restore it with that one")
	}
	for _, m := range history[:n] {
		if !slices.Contains(d.Migrations, m.ID) {
			return 0, fmt.Errorf("it was made by another labmark, which does not know the change %s of the schema: restore it with that one", m.ID)
		}
	}
	return n, nil
}

func (s *Store) isEmpty(ctx context.Context, d Dump) error {
	tx := s.db.WithContext(ctx)
	tables, err := dataTables(tx)
	if err != nil || len(tables) == 0 {
		return err
	}
	for _, name := range tables {
		var any []int
		if err := tx.Raw("SELECT 1 FROM " + tx.Statement.Quote(name) + " LIMIT 1").Scan(&any).Error; err != nil {
			return err
		}
		if len(any) > 0 {
			return fmt.Errorf("%w: its table %s has rows", ErrNotEmpty, name)
		}
	}
	var taken []string
	if err := tx.Table("migrations").Order("id").Pluck("id", &taken).Error; err != nil || slices.Equal(taken, d.Migrations) {
		return err
	}
	return fmt.Errorf("%w: it has tables of another version: make a new one", ErrNotEmpty)
}

// filler inserts rows of one table together.
type filler struct {
	tx      *gorm.DB
	columns map[string]map[string]string // by table, then column: the database's type
	table   string
	rows    []map[string]any
}

func (f *filler) add(table string, object []byte) error {
	if table != f.table || len(f.rows) == 100 {
		if err := f.flush(); err != nil {
			return err
		}
		f.table = table
	}
	kinds, err := f.kinds(table)
	if err != nil {
		return err
	}
	row := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	if err := d.Decode(&row); err != nil {
		return fmt.Errorf("table %s: %w", table, err)
	}
	for name, value := range row {
		if row[name], err = restored(value, kinds[name]); err != nil {
			return fmt.Errorf("table %s, column %s: %w", table, name, err)
		}
	}
	f.rows = append(f.rows, row)
	return nil
}

func (f *filler) flush() error {
	if len(f.rows) == 0 {
		return nil
	}
	err := f.tx.Table(f.table).Create(f.rows).Error
	f.rows = nil
	if err != nil {
		return fmt.Errorf("table %s: %w", f.table, err)
	}
	return nil
}

func (f *filler) kinds(table string) (map[string]string, error) {
	if kinds := f.columns[table]; kinds != nil {
		return kinds, nil
	}
	rows, err := f.tx.Raw("SELECT * FROM " + f.tx.Statement.Quote(table) + " WHERE 1 = 0").Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	kinds := map[string]string{}
	for _, c := range columns {
		kinds[c.Name()] = strings.ToUpper(c.DatabaseTypeName())
	}
	f.columns[table] = kinds
	return kinds, nil
}

// restored is the opposite of dumped, for a column of some type.
func restored(value any, kind string) (any, error) {
	switch v := value.(type) {
	case map[string]any:
		if text, ok := v["time"].(string); ok {
			return time.Parse(time.RFC3339Nano, text)
		}
		text, _ := v["bytes"].(string)
		return base64.StdEncoding.DecodeString(text)
	case json.Number:
		if kind == "BOOL" { // SQLite's are numbers
			return v.String() != "0", nil
		}
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
		return v.Float64()
	}
	return value, nil
}

func setLastNumber(tx *gorm.DB, t TableDump) error {
	if t.Last == 0 {
		return nil
	}
	if !onPostgres(tx) {
		if err := tx.Exec("DELETE FROM sqlite_sequence WHERE name = ?", t.Name).Error; err != nil {
			return err
		}
		return tx.Exec("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", t.Name, t.Last).Error
	}
	sequence, err := sequenceOf(tx, t.Name)
	if err != nil || sequence == "" {
		return err
	}
	return tx.Exec("SELECT setval(CAST(? AS regclass), ?)", sequence, t.Last).Error
}
