package gradebook

import (
	"encoding/csv"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// risky begins what a spreadsheet takes for a formula, in the narrow and the
// wide form of East Asian writing.
const risky = "=+-@\t\r\n＝＋－＠"

// harmless puts an apostrophe before a text that a spreadsheet would take for
// a formula. Texts that begin like an escaped one get another, so that
// original brings back every text.
func harmless(text string) string {
	if isRisky(strings.TrimLeft(text, "'")) {
		return "'" + text
	}
	return text
}

// original is what harmless was given.
func original(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && isRisky(strings.TrimLeft(rest, "'")) {
		return rest
	}
	return cell
}

// isRisky lets a single sign pass, as the "-" of a grade that is not there.
func isRisky(text string) bool {
	first, size := utf8.DecodeRuneInString(text)
	return len(text) > size && strings.ContainsRune(risky, first)
}

// writeCSV writes rows of texts. Numbers of ours are never negative, so they
// pass unchanged.
func writeCSV(w io.Writer, rows [][]string) error {
	c := csv.NewWriter(w)
	for _, row := range rows {
		if err := c.Write(allHarmless(row)); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func allHarmless(row []string) []string {
	out := make([]string, len(row))
	for i, cell := range row {
		out[i] = harmless(cell)
	}
	return out
}

// rounded writes a number with at most two decimals, as gradebooks show them.
func rounded(f float64) string {
	return strconv.FormatFloat(math.Round(f*100)/100, 'f', -1, 64)
}

// exact writes a number so that reading it gives the same number.
func exact(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
