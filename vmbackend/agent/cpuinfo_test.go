package agent

import "testing"

func TestEveryProcessorHasACore(t *testing.T) {
	got := string(withCoreIDs([]byte("processor\t: 0\nvendor_id\t: User Mode Linux\n\nprocessor\t: 1\nmodel name\t: UML\n")))
	want := "processor\t: 0\ncore id\t\t: 0\nvendor_id\t: User Mode Linux\n\nprocessor\t: 1\ncore id\t\t: 0\nmodel name\t: UML\n"
	if got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
