package themes

import "time"

// FilesPage shows a folder of the viewer's machine. Its form posts "file", any
// number of them, to PutAction, as multipart/form-data.
type FilesPage struct {
	Layout
	// Machines are the tutorial's, where it has several; the one that is shown
	// has no Href.
	Machines  []Crumb
	Path      string // of the folder; empty where nothing can be shown
	Up        string // address of the folder above; empty at the top
	Pack      string // address of the whole folder as an archive
	PutAction string
	Entries   []StoredView
	Cut       bool   // there are more
	Error     string // why nothing is shown, or nothing was stored; may be empty
}

// StoredView is one name in a folder.
type StoredView struct {
	Name     string
	Folder   bool
	Open     string // address of a folder's page; empty for files
	Get      string // address to download it from; empty for what is neither
	Size     int64  // bytes; of files
	Modified time.Time
}

func (FilesPage) template() string { return "files" }
