package image

import (
	"slices"
	"testing"
)

func TestOwnMirrorsAreDebiansAlone(t *testing.T) {
	got, err := ownMirrors(parseTargets([]byte(
		"http://mirror.example/debian\tbookworm\tbookworm\tmain\tDebian\t\n"+
			"http://mirror.example/debian\tbookworm-updates\tbookworm-updates\tmain\tDebian\t\n"+
			"http://mirror.example/security\tbookworm-security\tbookworm-security\tmain\tDebian-Security\t\n"+
			"file:/srv/debian\tbookworm\tbookworm\tmain\tDebian\t\n"+
			"https://vendor.example/apt\tstable\tstable\tmain\tVendor\t\n")), true)
	if want := []string{"http://mirror.example/debian", "http://mirror.example/security"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := ownMirrors(nil, true); err == nil {
		t.Errorf("nothing gave %v", got)
	}
}
