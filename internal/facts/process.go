package facts

import (
	"bytes"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// task is one process.
type task struct {
	pid int
	// comm is the name that it gives itself: of a script, the script's.
	comm string
	// program is the path of what it runs; empty for threads of the kernel.
	program string
	args    []string
	uid     uint32
}

// readTasks lists all processes but this one and those that have ended.
func (m *Machine) readTasks() []task {
	if m.hasTasks {
		return m.tasks
	}
	m.hasTasks = true
	names, err := readNames("/proc")
	if err != nil {
		return nil
	}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() {
			continue
		}
		if t, ok := readTask(pid); ok {
			m.tasks = append(m.tasks, t)
		}
	}
	slices.SortFunc(m.tasks, func(a, b task) int { return a.pid - b.pid })
	return m.tasks
}

func readNames(path string) ([]string, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	return dir.Readdirnames(1 << 16)
}

// maxArgs bounds what is read of a process's arguments, in bytes.
const maxArgs = 64 << 10

func readTask(pid int) (task, bool) {
	dir := "/proc/" + strconv.Itoa(pid)
	program, err := os.Readlink(dir + "/exe")
	if err != nil {
		return task{}, false // a thread of the kernel's, or one that has ended
	}
	t := task{pid: pid, program: strings.TrimSuffix(program, " (deleted)")}
	if info, err := os.Stat(dir); err == nil {
		if sys, ok := info.Sys().(*syscall.Stat_t); ok {
			t.uid = sys.Uid
		}
	}
	comm, _ := readProc(dir+"/comm", 64)
	t.comm = strings.TrimSuffix(string(comm), "\n")
	line, _ := readProc(dir+"/cmdline", maxArgs)
	for _, arg := range bytes.Split(bytes.TrimSuffix(line, []byte{0}), []byte{0}) {
		t.args = append(t.args, string(arg))
	}
	return t, true
}

// readProc reads the start of a file of the kernel's.
func readProc(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, limit))
}

// is says whether the process goes by a name: its program's, or a script's.
func (t task) is(name string) bool {
	if strings.HasPrefix(name, "/") {
		return t.program == name
	}
	return path.Base(t.program) == name || t.comm == name
}

// process sees all processes of a name, or of a program's path, together.
func (m *Machine) process(f Fact) (seen, error) {
	var users, args, programs []string
	count := 0
	for _, t := range m.readTasks() {
		if !t.is(f.Subject) {
			continue
		}
		count++
		if count > 1000 {
			continue
		}
		users = append(users, m.ownerName(t.uid))
		args = append(args, strings.Join(t.args, " "))
		programs = append(programs, t.program)
	}
	s := seen{missing: "that it is not running", fields: map[string][]string{
		"running": {boolText(count > 0)}, "count": {strconv.Itoa(count)}}}
	if count > 0 {
		s.fields["user"], s.fields["args"], s.fields["program"] = users, args, programs
	}
	return s, nil
}
