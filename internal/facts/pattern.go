package facts

import (
	"fmt"
	"regexp"
	"regexp/syntax"
)

// maxSteps bounds what a regular expression becomes once its repetitions are
// written out: "a{1000}" are a thousand steps. Time and memory grow with them,
// for each letter that is looked at; Go's own bound is a thousand times higher.
const maxSteps = 5000

// Compile reads a regular expression (RE2) that takes little time and memory,
// whoever wrote it.
func Compile(text string) (*regexp.Regexp, error) {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if steps(tree) > maxSteps {
		return nil, fmt.Errorf("it repeats too much: more than %d steps once all repetitions are written out", maxSteps)
	}
	return regexp.Compile(text)
}

// steps counts what a tree comes to, up to somewhat more than maxSteps.
func steps(tree *syntax.Regexp) int {
	n := 1
	if tree.Op == syntax.OpLiteral {
		n = len(tree.Rune)
	}
	for _, sub := range tree.Sub {
		if n += steps(sub); n > maxSteps {
			return n
		}
	}
	if tree.Op == syntax.OpRepeat {
		n *= max(tree.Min+1, tree.Max)
	}
	return min(n, 2*maxSteps)
}
