package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"

	"gorm.io/gorm"
)

// Dump says what a whole database holds, whatever its kind.
type Dump struct {
	// Migrations are the steps of the schema's history that it has taken.
	Migrations []string    `json:"migrations"`
	Tables     []TableDump `json:"tables"`
}

// TableDump is one table of a Dump.
type TableDump struct {
	Name string `json:"name"`
	Rows int    `json:"rows"`
	// Last is the highest number that a row was ever given, for tables that
	// number their rows: none is given twice.
	Last int64 `json:"last,omitempty"`
}

// Dump reads everything, as it is at one moment, and calls row for each row of
// each table with a JSON object of its columns. Times are {"time": RFC 3339},
// bytes {"bytes": base64}. Writers go on meanwhile.
func (s *Store) Dump(ctx context.Context, row func(table string, object []byte) error) (Dump, error) {
	var d Dump
	err := s.snapshot(ctx, func(tx *gorm.DB) error {
		if err := stayIdle(tx); err != nil {
			return err
		}
		if err := tx.Table("migrations").Order("id").Pluck("id", &d.Migrations).Error; err != nil {
			return err
		}
		tables, err := dataTables(tx)
		if err != nil {
			return err
		}
		for _, name := range tables {
			t := TableDump{Name: name}
			if t.Rows, err = dumpTable(tx, name, row); err != nil {
				return fmt.Errorf("table %s: %w", name, err)
			}
			if t.Last, err = lastNumber(tx, name); err != nil {
				return fmt.Errorf("table %s: %w", name, err)
			}
			d.Tables = append(d.Tables, t)
		}
		return nil
	})
	return d, err
}

// stayIdle lets a transaction take its time: a disk may be slow.
func stayIdle(tx *gorm.DB) error {
	if !onPostgres(tx) {
		return nil
	}
	return tx.Exec("SET LOCAL idle_in_transaction_session_timeout = 0").Error
}

// dataTables are those that a Dump is of: not the schema's own, and not who
// runs at this moment.
func dataTables(tx *gorm.DB) ([]string, error) {
	all, err := tx.Migrator().GetTables()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range all {
		if name != "migrations" && name != "claims" && !strings.HasPrefix(name, "sqlite_") {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out, nil
}

func dumpTable(tx *gorm.DB, name string, row func(string, []byte) error) (n int, err error) {
	rows, err := tx.Raw("SELECT * FROM " + tx.Statement.Quote(name)).Rows()
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return 0, err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for ; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return n, err
		}
		object := make(map[string]any, len(columns))
		for i, c := range columns {
			object[c.Name()] = dumped(values[i], c.DatabaseTypeName())
		}
		text, err := json.Marshal(object)
		if err != nil {
			return n, err
		}
		if err := row(name, text); err != nil {
			return n, err
		}
	}
	return n, rows.Err()
}

// dumped is a value as JSON has it.
func dumped(value any, kind string) any {
	switch v := value.(type) {
	case time.Time:
		return map[string]string{"time": v.UTC().Format(time.RFC3339Nano)}
	case []byte:
		return map[string]string{"bytes": base64.StdEncoding.EncodeToString(v)}
	case string:
		if kind == "NUMERIC" { // PostgreSQL's numbers come as texts
			return json.Number(v)
		}
	}
	return value
}

// lastNumber is 0 where rows have no numbers, or none was given yet.
func lastNumber(tx *gorm.DB, table string) (last int64, err error) {
	if !onPostgres(tx) {
		err = tx.Raw("SELECT seq FROM sqlite_sequence WHERE name = ?", table).Scan(&last).Error
		return last, err
	}
	sequence, err := sequenceOf(tx, table)
	if err != nil || sequence == "" {
		return 0, err
	}
	err = tx.Raw("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM " + sequence).Scan(&last).Error
	return last, err
}

// sequenceOf is the name of what numbers a table's rows, quoted; empty if
// nothing does.
func sequenceOf(tx *gorm.DB, table string) (string, error) {
	if !tx.Migrator().HasColumn(table, "id") {
		return "", nil
	}
	var name *string
	err := tx.Raw("SELECT pg_get_serial_sequence(?, 'id')", tx.Statement.Quote(table)).Scan(&name).Error
	if err != nil || name == nil {
		return "", err
	}
	return *name, nil
}
