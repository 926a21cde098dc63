package content

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// grading reads what checks are worth where they do not say so themselves, and
// how attempts become grades.
func (y *yamlText) grading(n ast.Node, d *defaults, g *Grading) {
	y.fields(n, "grading", map[string]func(ast.Node){
		"points": func(n ast.Node) {
			s, ok := y.scalar(n, "points")
			if !ok {
				return
			}
			if p, ok := parsePoints(s); ok {
				d.points = p
				return
			}
			y.fail(n, fmt.Sprintf("%s is not a number of points from 0 to %d.", quote(s), maxPoints), "")
		},
		"sticky": func(n ast.Node) {
			b, ok := n.(*ast.BoolNode)
			if !ok {
				y.fail(n, "sticky is true or false.", "")
				return
			}
			d.sticky = b.Value
		},
		"score": func(n ast.Node) {
			s, ok := y.scalar(n, "score")
			if !ok {
				return
			}
			if !slices.Contains([]string{"best", "latest", "first"}, s) {
				y.fail(n, fmt.Sprintf("%s says not which attempt counts.", quote(s)), "Write best, latest or first.")
				return
			}
			g.Keep = s
		},
		"late": func(n ast.Node) {
			s, ok := y.scalar(n, "late")
			if !ok {
				return
			}
			if g.Late, ok = parsePercent(s); !ok {
				y.fail(n, fmt.Sprintf("%s is not a part of the points.", quote(s)), "Write what each started day costs, from 0% to 100%, as 10%.")
			}
		},
	})
}

// parsePercent reads "10%" as 0.1.
func parsePercent(s string) (float64, bool) {
	digits, ok := strings.CutSuffix(s, "%")
	p, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if !ok || err != nil || !(p >= 0 && p <= 100) {
		return 0, false
	}
	return p / 100, true
}
