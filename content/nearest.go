package content

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// nearest gives the known word that a mistyped one is likely to mean, or "".
func nearest(word string, known []string) string {
	if utf8.RuneCountInString(word) > 40 {
		return ""
	}
	word = strings.ToLower(word)
	best, bestDistance := "", 1<<30
	for _, k := range known {
		if len(word) >= 3 && strings.HasPrefix(k, word) {
			return k
		}
		// A third of a word may be wrong, but at least one letter.
		d := distance(word, k)
		if nearer := d < bestDistance || d == bestDistance && sameLetters(word, k); nearer && d <= max(1, len(k)/3) {
			best, bestDistance = k, d
		}
	}
	return best
}

// sameLetters says whether two words differ in the order of letters only:
// fingers swap letters more often than they find wrong ones.
func sameLetters(a, b string) bool {
	return slices.Equal(slices.Sorted(slices.Values([]byte(a))), slices.Sorted(slices.Values([]byte(b))))
}

// DidYouMean is a mend of a Finding that names the nearest known word, or all of them.
func DidYouMean(word string, known []string) string {
	if n := nearest(word, known); n != "" {
		return fmt.Sprintf("Did you mean %s?", quote(n))
	}
	if len(known) == 0 {
		return ""
	}
	return "Known here: " + strings.Join(known, ", ") + "."
}

// distance counts the letters to add, drop, change or swap with the next
// (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before := make([]int, len(y)+1)
	last := make([]int, len(y)+1)
	row := make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}

// Near says whether one word is likely the other, mistyped.
func Near(a, b string) bool { return nearest(a, []string{b}) != "" && len(a) > 2 }
