package sample

import (
	"time"

	"github.com/labmark/labmark/themes"
)

// Files is a home with a folder, a file and a device.
func Files(nonce string) themes.FilesPage {
	at := time.Date(2026, 11, 19, 8, 30, 0, 0, time.UTC)
	const base = "/courses/linux-essentials/files/machine"
	return themes.FilesPage{Layout: layout("Files of your machine", nonce), Path: "/home/student", Up: base + "?path=%2Fhome",
		Pack: base + "/get?path=%2Fhome%2Fstudent", PutAction: base + "/put?path=%2Fhome%2Fstudent", Cut: true,
		Machines: []themes.Crumb{{Title: "client"}, {Title: "router", Href: base + "?guest=router"}},
		Entries: []themes.StoredView{
			{Name: "notes", Folder: true, Open: base + "?path=%2Fhome%2Fstudent%2Fnotes", Get: base + "/get?path=%2Fhome%2Fstudent%2Fnotes", Modified: at},
			{Name: "<b>report</b>.txt", Get: base + "/get?path=%2Fhome%2Fstudent%2Freport.txt", Size: 18231, Modified: at},
			{Name: "pipe", Modified: at},
		}}
}
