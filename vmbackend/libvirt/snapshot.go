package libvirt

// snapshot is a guest's whole state at a moment: its memory, and the disk that
// nobody writes to since.
type snapshot struct {
	Memory string `json:"memory"`
	Disk   string `json:"disk"`
}
