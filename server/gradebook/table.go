package gradebook

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// BadFile is a file that is no table of grades.
type BadFile struct {
	Line       int // 0: the whole file
	Says, Mend string
}

// Error says all of it.
func (b *BadFile) Error() string {
	if b.Line > 0 {
		return fmt.Sprintf("line %d: %s %s", b.Line, b.Says, b.Mend)
	}
	return b.Says + " " + b.Mend
}

// maxFile bounds a file to import, in bytes; maxRows its lines.
const (
	maxFile = 16 << 20
	maxRows = 100_000
)

// table is a file's cells, as they were before harmless.
type table struct {
	head []string
	rows []tableRow
}

type tableRow struct {
	line  int
	cells []string
}

// cell returns "" beyond the row's end.
func (r tableRow) cell(i int) string {
	if i < len(r.cells) {
		return strings.TrimSpace(r.cells[i])
	}
	return ""
}

// readTable reads CSV with commas, semicolons or tabs.
func readTable(r io.Reader) (table, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return table{}, err
	}
	if len(text) > maxFile {
		return table{}, &BadFile{Says: "The file is too large.", Mend: "Leave out columns that are not grades."}
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return table{}, &BadFile{Says: "The file is not text in UTF-8.", Mend: "Save it as CSV UTF-8, not as a workbook."}
	}
	c := csv.NewReader(bytes.NewReader(text))
	c.Comma, c.FieldsPerRecord = separator(text), -1
	var t table
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			return table{}, &BadFile{Line: bad.Line, Says: "The quotation marks don't match.", Mend: `Write a quotation mark within a cell as "".`}
		}
		if err != nil {
			return table{}, err
		}
		for i := range cells {
			cells[i] = original(cells[i])
		}
		line, _ := c.FieldPos(0)
		if t.head == nil {
			t.head = cells
			continue
		}
		if len(t.rows) == maxRows {
			return table{}, &BadFile{Line: line, Says: "The file has too many lines.", Mend: "Split it."}
		}
		t.rows = append(t.rows, tableRow{line, cells})
	}
	if t.head == nil {
		return table{}, &BadFile{Says: "The file is empty.", Mend: "Begin it with a line of column names."}
	}
	return t, nil
}

// separator is what the first line has most of.
func separator(text []byte) rune {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	best := ','
	for _, r := range ";\t" {
		if bytes.ContainsRune(first, r) && bytes.Count(first, []byte(string(r))) > bytes.Count(first, []byte(string(best))) {
			best = r
		}
	}
	return best
}
