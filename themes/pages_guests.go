package themes

import "time"

// GuestsPage lists all guests to administrators.
type GuestsPage struct {
	Layout
	Search, Sort string
	Rows         []GuestRow
	// Queue is how many students wait for a guest.
	Queue int
}

// GuestRow is one guest. Its buttons post nothing to their actions; an empty
// action leaves the button out.
type GuestRow struct {
	ID, Node string
	Who      string // whose it is, or was; empty for nobody's
	Former   bool   // it was theirs, and is no more
	Where    string // COURSE/TUTORIAL
	Mode     string // of store.Mode
	Since    time.Time
	ActiveAt *time.Time
	// Busy is in percent of one processor, negative where it is not known.
	Busy int
	// Memory and Disk are in bytes; both 0 where they are not known.
	Memory, Disk int64
	Audit        string // leads to what is noted of it

	ReplaceAction, StopAction string
}

func (GuestsPage) template() string { return "guests" }

// Tab is the page's name among those of the administration.
func (GuestsPage) Tab() string { return "guests" }
