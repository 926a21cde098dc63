package facts

import (
	"fmt"
	"strconv"
	"strings"
)

// A version is "[EPOCH:]UPSTREAM[-REVISION]". How two are compared is told in
// Debian's policy manual, section 5.6.12, "Version".

func checkVersion(v string) error {
	if v == "" || v[0] < '0' || v[0] > '9' || strings.ContainsFunc(v, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(".+-:~", r)
	}) {
		return fmt.Errorf("%q is no version: write \">= 1.22\"", v)
	}
	return nil
}

func compareVersions(a, b string) int {
	epochA, upstreamA, revisionA := splitVersion(a)
	epochB, upstreamB, revisionB := splitVersion(b)
	if epochA != epochB {
		if epochA < epochB {
			return -1
		}
		return 1
	}
	if c := compareParts(upstreamA, upstreamB); c != 0 {
		return c
	}
	return compareParts(revisionA, revisionB)
}

func splitVersion(v string) (epoch int, upstream, revision string) {
	if before, after, found := strings.Cut(v, ":"); found {
		epoch, _ = strconv.Atoi(before)
		v = after
	}
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		return epoch, v[:i], v[i+1:]
	}
	return epoch, v, "0"
}

// compareParts compares by turns what is no number, character by character,
// and numbers.
func compareParts(a, b string) int {
	for a != "" || b != "" {
		for (a != "" && !isDigit(a[0])) || (b != "" && !isDigit(b[0])) {
			x, y := weight(a), weight(b)
			if x != y {
				return x - y
			}
			a, b = a[1:], b[1:]
		}
		na, nb := digits(a), digits(b)
		x, y := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		if c := strings.Compare(x, y); c != 0 {
			return c
		}
		a, b = a[na:], b[nb:]
	}
	return 0
}

// weight orders characters: "~" before the end, that before letters, and those
// before all else.
func weight(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z':
		return int(s[0])
	}
	return int(s[0]) + 256
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}
