package sample

import (
	"time"

	"github.com/labmark/labmark/themes"
)

func administering(title, nonce string, crumbs ...themes.Crumb) themes.Layout {
	l := layout(title, nonce, append(crumbs, themes.Crumb{Title: title})...)
	l.Viewer, l.Admin = &themes.Viewer{Name: "Max Admin"}, "/admin/platforms"
	return l
}

var settings = []themes.Setting{{Name: "Tool URL", Value: "https://labs.hill-school.example/lti/launch"}, {Name: "LTI version", Value: "LTI 1.3"},
	{Name: "Public key type", Value: "Keyset URL"}, {Name: "Public keyset", Value: "https://labs.hill-school.example/lti/keys"},
	{Name: "Initiate login URL", Value: "https://labs.hill-school.example/lti/login"}, {Name: "Redirection URI(s)", Value: "https://labs.hill-school.example/lti/launch"}}

func moodle() themes.PlatformView {
	return themes.PlatformView{Href: "/admin/platforms/1", Name: "Moodle of Hill School", Product: "moodle", State: "active", Issuer: Moodle, ClientID: "x7LqD0a2vKc91Zp",
		Deployments: []string{"1", "4"}, LastLaunch: before(4 * time.Minute), Courses: 3, Waiting: 3, Refused: 1, TestedAt: before(time.Hour),
		Test: []themes.TestStep{{State: "pass", Name: "Its keys can be read", Says: "2 keys, in 41 ms."}, {State: "pass", Name: "Clocks agree", Says: "Moodle's is 2 s ahead."},
			{State: "fail", Name: "It gives us a token", Says: "invalid_client: the signature cannot be verified.", Mend: "In Moodle, set “Public key type” to “Keyset URL”, with the address below."},
			{State: "idle", Name: "Line items can be read", Says: "Not reached."}},
		TestAction: "/admin/platforms/1/test", DisableAction: "/admin/platforms/1/disable", RemoveAction: "/admin/platforms/1/remove"}
}

// Platforms lists two.
func Platforms(nonce string) themes.PlatformsPage {
	canvas := themes.PlatformView{Href: "/admin/platforms/2", Name: "Canvas of North College", Product: "canvas", State: "pending", Issuer: "https://canvas.instructure.com",
		ClientID: "10000000000042", Deployments: []string{"*"}, ActivateAction: "/admin/platforms/2/activate", TestAction: "/admin/platforms/2/test", RemoveAction: "/admin/platforms/2/remove"}
	return themes.PlatformsPage{Layout: administering("Learning platforms", nonce), Platforms: []themes.PlatformView{moodle(), canvas}, Settings: settings,
		Canvas: "https://labs.hill-school.example/lti/canvas.json", Register: "https://labs.hill-school.example/lti/register?secret=3QXJ7RZK5V2M", RegisterUntil: before(-23 * time.Hour),
		RegisterAction: "/admin/platforms/register", AddAction: "/admin/platforms"}
}

// Platform is one of them.
func Platform(nonce string) themes.PlatformPage {
	v := moodle()
	v.Href = ""
	return themes.PlatformPage{Layout: administering("Moodle of Hill School", nonce, themes.Crumb{Title: "Learning platforms", Href: "/admin/platforms"}), PlatformView: v, SaveAction: "/admin/platforms/1",
		Form: themes.PlatformForm{Name: v.Name, Issuer: v.Issuer, ClientID: v.ClientID, AuthURL: Moodle + "/mod/lti/auth.php", TokenURL: Moodle + "/mod/lti/token.php",
			KeysURL: Moodle + "/mod/lti/certs.php", Deployments: "1 4"}, Settings: settings,
		Contexts: []themes.PlatformContext{{Title: "Introduction to Linux", Href: "/teach/class", People: 143, LastLaunch: before(4 * time.Minute), Waiting: 3, Refused: 1}, {Title: "Networks", People: 28}}}
}

// Nodes lists three: one that works, one that was lost, one that is drained.
func Nodes(nonce string) themes.NodesPage {
	const gb = int64(1e9)
	return themes.NodesPage{Layout: administering("Nodes", nonce), Nodes: []themes.NodeView{
		{Name: "anvil", URI: "qemu+ssh://labmark@anvil.hill-school.example/session", State: "up", Since: *before(26 * time.Hour), Wanted: "up", Guests: 31, Capacity: 60,
			Memory: 64 * gb, MemoryFree: 51 * gb, DiskFree: 412 * gb, CPUs: 16, KVM: true, Load: 23, Labels: []string{"course=linux-essentials"},
			DrainAction: "/admin/nodes/anvil/drain", IsolateAction: "/admin/nodes/anvil/isolate"},
		{Name: "bellows", URI: "qemu+tls://bellows.hill-school.example/system", State: "down", Since: *before(4 * time.Minute), Why: "dial tcp 192.0.2.7:16514: no route to host", Wanted: "isolated",
			WantedWhy: "it was lost 3 times within 10 minutes", Guests: 12, BackAction: "/admin/nodes/bellows/back"},
		{Name: "local", URI: "uml:", State: "up", Since: *before(26 * time.Hour), Wanted: "draining", WantedWhy: "by Max Admin", Guests: 2, CPUs: 2, Memory: 4 * gb, MemoryFree: gb / 2, DiskFree: 20 * gb, Load: 8,
			BackAction: "/admin/nodes/local/back", IsolateAction: "/admin/nodes/local/isolate"},
	}}
}

// Sources are a folder in order and a repository whose newest version is not.
func Sources(nonce string) themes.SourcesPage {
	return themes.SourcesPage{Layout: administering("Courses' sources", nonce), Sources: []themes.SourceView{
		{Course: "Linux essentials", Source: "https://git.hill-school.example/linux.git#main", Commit: "9f31c2ab0721de", Tried: *before(3 * time.Minute),
			Fault:      "tutorials/files.md:12:1: error: There is no block “chek”. Did you mean “check”?\n\n   12 | ```chek {#licence-copied}\n      |    ^^^^",
			PullAction: "/admin/courses/linux-essentials/pull",
			Versions: []themes.VersionView{{At: *before(26 * time.Hour), Commit: "9f31c2ab0721de", Changes: []string{"files: “Keep a secret” (diary-private) looks at other things now. Who had passed keeps the points.", "files: “A room for the team” (team-room) is worth 3 now, before 2; the share that was won stays."}},
				{At: *before(9 * 24 * time.Hour), Commit: "11c0ffee11c0"}}},
		{Course: "Networks", Source: "courses/networks", Folder: true, Tried: *before(5 * time.Second), PullAction: "/admin/courses/networks/pull"},
	}}
}

// Audit is what an administrator finds about one guest.
func Audit(nonce string) themes.AuditPage {
	return themes.AuditPage{Layout: administering("Audit", nonce), Days: 180, Filter: themes.AuditFilter{Guest: "g-k2x7"},
		Export: "/admin/audit/export?guest=g-k2x7", Older: "/admin/audit?guest=g-k2x7&before=4711", Rows: []themes.AuditRow{
			{At: *before(2 * time.Minute), Who: "Ada Lovelace", Address: "192.0.2.61", What: "ran a check", Subject: "linux-essentials/files/diary-private", Guest: "g-k2x7abcd"},
			{At: *before(5 * time.Minute), Who: "Max Admin", Address: "192.0.2.9", What: "gave somebody another guest", Subject: "linux-essentials/files", Guest: "g-k2x7abcd", About: "Ada Lovelace"},
			{At: *before(26 * time.Hour), What: "guest was taken away for good", Guest: "g-k2x7abcd"},
		}}
}

// Guests are one that somebody works in, one that waits, one that was taken back.
func Guests(nonce string) themes.GuestsPage {
	const mb = int64(1e6)
	return themes.GuestsPage{Layout: administering("Guests", nonce), Sort: "busy", Queue: 3, Rows: []themes.GuestRow{
		{ID: "g-k2x7abcd", Node: "anvil", Who: "Ada Lovelace", Where: "linux-essentials/files", Mode: "assigned", Since: *before(26 * time.Minute), ActiveAt: before(time.Minute),
			Busy: 87, Memory: 41 * mb, Disk: 3 * mb, Audit: "/admin/audit?guest=g-k2x7abcd", ReplaceAction: "/admin/guests/g-k2x7abcd/replace", StopAction: "/admin/guests/g-k2x7abcd/stop"},
		{ID: "g-m3n4efgh", Node: "anvil", Mode: "free", Since: *before(3 * time.Minute), Busy: 0, Memory: 16 * mb, Disk: mb, Audit: "/admin/audit?guest=g-m3n4efgh"},
		{ID: "g-p5q6ijkl", Node: "bellows", Who: "Zoë Faraday", Former: true, Mode: "retiring", Since: *before(time.Minute), Busy: -1, Audit: "/admin/audit?guest=g-p5q6ijkl"},
	}}
}
