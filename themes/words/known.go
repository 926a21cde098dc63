package words

import "maps"

// Known are all English sentences that some catalog has. Of the entries only
// this is of use: whether they count something, and Script.
func Known() map[string]Entry {
	known := map[string]Entry{}
	for _, l := range all {
		maps.Copy(known, l.sentences)
	}
	return known
}

// Holes are the names in a sentence's holes, with their braces.
func Holes(sentence string) []string { return hole.FindAllString(sentence, -1) }
