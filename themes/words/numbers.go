package words

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Number writes a number as people do, with at most two places: 1.5, in German
// 1,5.
func (l *Language) Number(n float64) string {
	return l.point(strconv.FormatFloat(math.Round(n*100)/100, 'f', -1, 64))
}

// Decimal writes a number with one place: 0.4, 2.0, in German 0,4.
func (l *Language) Decimal(n float64) string {
	return l.point(strconv.FormatFloat(n, 'f', 1, 64))
}

// point puts a language's mark between a number and its decimals.
func (l *Language) point(text string) string {
	if l.Tag == "de" || l.Tag == "fr" || l.Tag == "es" {
		return strings.Replace(text, ".", ",", 1)
	}
	return text
}

// months are the short names, January first.
var months = map[string][12]string{
	"de": {"Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."},
	"fr": {"janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."},
	"es": {"ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"},
}

// When writes a time in UTC: "3 Nov 2026, 14:05 UTC". Pages' scripts write it
// anew in the reader's zone.
func (l *Language) When(t time.Time) string {
	t = t.UTC()
	return l.Day(t) + t.Format(" 2006, 15:04 UTC")
}

// Day writes a day, in the zone of t: "3 Nov".
func (l *Language) Day(t time.Time) string {
	names, ok := months[l.Tag]
	if !ok {
		return t.Format("2 Jan")
	}
	day := strconv.Itoa(t.Day())
	if l.Tag == "de" {
		day += "."
	}
	return day + " " + names[t.Month()-1]
}

// Minutes writes an estimate of time: "20 min", "1 h 30 min", in all languages
// the same.
func Minutes(d time.Duration) string {
	m := int(math.Ceil(d.Minutes()))
	switch {
	case m < 60:
		return fmt.Sprintf("%d min", m)
	case m%60 == 0:
		return fmt.Sprintf("%d h", m/60)
	}
	return fmt.Sprintf("%d h %d min", m/60, m%60)
}
