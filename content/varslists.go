package content

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// maxLines is how many bytes a file may have from which lines are drawn.
const maxLines = 64 << 10

// ipVar reads a network from which an address is drawn.
func (y *yamlText) ipVar(n ast.Node, v *Var) {
	s, ok := y.scalar(n, "ip")
	if !ok {
		return
	}
	p, problem := parseSubnet(s)
	if six, err := netip.ParsePrefix(s); err == nil && six.Addr().Is6() {
		p, problem = six, ""
		if six.Masked() != six || six.Bits() < 64 || six.Bits() > 126 || six.Addr().Is4In6() {
			problem = "is not a network of IPv6 from /64 to /126, by its first address."
		}
	}
	if problem != "" {
		y.fail(n, fmt.Sprintf("%s %s", quote(s), problem), "Write it as 10.0.0.0/8 or fd00::/64.")
		return
	}
	v.IP = p
}

// parseSubnet reads an IPv4 network that has room for machines, or says what
// is wrong with it as the end of a sentence.
func parseSubnet(s string) (netip.Prefix, string) {
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil || !p.Addr().Is4():
		return p, "is not a network of IPv4."
	case p.Masked() != p:
		return p, "is a machine's address and no network's: the network is " + p.Masked().String() + "."
	case p.Bits() < 1 || p.Bits() > 30:
		return p, "has no room for machines, or all of them: take /1 to /30."
	}
	return p, ""
}

func (y *yamlText) dateVar(n ast.Node, v *Var) {
	s, ok := y.scalar(n, "date")
	if !ok {
		return
	}
	first, last, _ := strings.Cut(s, "..")
	from, err := time.Parse(time.DateOnly, strings.TrimSpace(first))
	to, err2 := time.Parse(time.DateOnly, strings.TrimSpace(last))
	switch {
	case err != nil || err2 != nil:
		y.fail(n, fmt.Sprintf("%s is not a range of days.", quote(s)), "Write the first and the last: 2026-01-01..2026-12-31.")
	case to.Before(from):
		y.fail(n, fmt.Sprintf("The range %s ends before it starts.", quote(s)), "")
	default:
		v.Date = &DateRange{From: from, To: to}
	}
}

// lineVar reads the lines of a file of the course. Blank ones do not count.
func (y *yamlText) lineVar(n ast.Node, v *Var) {
	s, ok := y.scalar(n, "line")
	if !ok {
		return
	}
	raw, problem := y.file(s)
	if problem != "" {
		y.fail(n, problem, "Lines are drawn from a file in the folder “tutorials”; its path starts from the tutorial's file.")
		return
	}
	seen := map[string]bool{}
	for _, line := range strings.Split(newSource(s, raw).text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || seen[line]:
		case strings.ContainsFunc(line, unicode.IsControl) || len(line) > maxChoice || !utf8.ValidString(line):
			y.fail(n, fmt.Sprintf("The file %s has a line that is not a short line of text.", quote(s)), "")
			return
		default:
			seen[line] = true
			v.Lines = append(v.Lines, line)
		}
	}
	if len(v.Lines) == 0 {
		y.fail(n, fmt.Sprintf("The file %s has no lines to draw from.", quote(s)), "")
	}
}

// file reads a file beside the tutorial, or says what is wrong.
func (y *yamlText) file(name string) (raw []byte, problem string) {
	full := path.Join(path.Dir(y.src.path), name)
	below, inside := strings.CutPrefix(full, tutorialsDir+"/")
	if y.loader == nil || !inside || strings.HasPrefix(below, ".") || strings.Contains(below, "/.") || y.loader.symbolic(full) {
		return nil, fmt.Sprintf("There is no file %s.", quote(name))
	}
	raw, ok := y.loader.read(full, maxLines)
	if !ok {
		return nil, fmt.Sprintf("The file %s can't be read.", quote(name))
	}
	return raw, ""
}

// count reads how many different values are drawn.
func (y *yamlText) count(n ast.Node, v *Var) {
	s, ok := y.scalar(n, "count")
	if !ok {
		return
	}
	count, err := strconv.Atoi(s)
	space := func(s string) bool { return strings.ContainsFunc(s, unicode.IsSpace) }
	switch {
	case err != nil || count < 1 || count > maxCount:
		y.fail(n, fmt.Sprintf("%s is not a number of values from 1 to %d.", quote(s), maxCount), "")
	case uint64(count) > v.different():
		y.fail(n, fmt.Sprintf("There are only %d different values to draw, not %d.", v.different(), count), "")
	case slices.ContainsFunc(v.Choice, space) || slices.ContainsFunc(v.Lines, space):
		y.fail(n, "Values with spaces can't be drawn several at once: spaces stand between them.", "Draw one, or write “_” for the spaces.")
	default:
		v.Count = count
	}
}
