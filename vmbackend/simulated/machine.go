package simulated

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/labmark/labmark/vmbackend/sshserver"
)

// Machine is what a guest does when it is logged in to. The zero value is the
// default machine, whose commands are true, false, exit, echo, cat, ls, touch,
// rm, sync, hostname, id -un, sleep, yes, stty size and poweroff, joined by
// ";", "&&" and newlines, with quotes, >, >> and >&2. Its files are the
// guest's Disk; /proc/sys/kernel/random/boot_id changes with every boot.
type Machine struct {
	// Exec answers a command in place of the default machine's, once all of
	// its standard input has come. Terminals send it each line, without
	// input.
	Exec func(command, stdin string) (stdout, stderr string, status int)
	// Handler takes whole sessions in place of Exec and the fake terminal.
	Handler sshserver.Handler
}

// Disk is the files of one guest, by absolute path. They outlast a stop and
// the backend's process, as a disk does.
type Disk struct{ guest *guest }

// Read returns a file's content.
func (d *Disk) Read(path string) (content string, found bool) {
	d.guest.mu.Lock()
	defer d.guest.mu.Unlock()
	content, found = d.guest.record.Files[path]
	return content, found
}

// Write makes or replaces a file.
func (d *Disk) Write(path, content string) {
	d.guest.mu.Lock()
	defer d.guest.mu.Unlock()
	if d.guest.record.Files == nil {
		d.guest.record.Files = map[string]string{}
	}
	d.guest.record.Files[path] = content
	d.guest.save()
}

// Remove deletes a file, and says whether there was one.
func (d *Disk) Remove(path string) (found bool) {
	d.guest.mu.Lock()
	defer d.guest.mu.Unlock()
	_, found = d.guest.record.Files[path]
	delete(d.guest.record.Files, path)
	d.guest.save()
	return found
}

// Names lists all files in order.
func (d *Disk) Names() []string {
	d.guest.mu.Lock()
	defer d.guest.mu.Unlock()
	return slices.Sorted(maps.Keys(d.guest.record.Files))
}

var separatorForm = regexp.MustCompile(`\\036([A-Z2-7]{26})%s`)

// CheckAnswer makes a Machine answer like a guest in which Labmark ran a
// check in bash or sh. stdin is what the check sent; kind is pass, fail, unsure or partial,
// as the helpers that scripts call; message is what the student reads. For
// partial, message begins with the points: "2 3 Two of three are there.".
// When stdin is no check, the answer is an error, as from a shell that does
// not know the command.
func CheckAnswer(stdin, kind, message string) (stdout, stderr string, status int) {
	marks := separatorForm.FindAllStringSubmatch(stdin, -1)
	if len(marks) == 0 {
		return "", "simulated: this is no check\n", 127
	}
	got, of := "", ""
	if kind == "partial" {
		n, _ := fmt.Sscan(message, &got, &of) // what is missing stays empty
		if n == 2 {
			message = message[min(len(message), len(got)+len(of)+2):]
		}
	}
	status = map[string]int{"pass": 0, "unsure": 75, "": 0}[kind]
	if kind == "fail" || kind == "partial" {
		status = 1
	}
	fields := make([]string, len(marks))
	copy(fields, []string{fmt.Sprint(status), kind, got, of, message})
	separator := "\x1e" + marks[0][1]
	for _, f := range fields {
		stderr += separator + f
	}
	return "", stderr + separator, status
}
