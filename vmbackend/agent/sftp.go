package agent

import (
	"errors"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/pkg/sftp"

	"github.com/labmark/labmark/vmbackend/sshserver"
)

// SFTPSubsystem moves files. The guest's own sftp-server is not asked: it may
// be missing, or broken by an exercise.
const SFTPSubsystem = "sftp"

// SFTPCommand makes the agent's binary serve files on its standard input and
// output, to whoever it runs as, until the input ends.
const SFTPCommand = "sftp"

// sftpSession serves files by a child of this program that runs as the
// account, so that the kernel decides what it may do. It runs among the
// student's programs: a transfer must not slow checks.
func (a *Agent) sftpSession(s *sshserver.Session, acct account) (sshserver.Exit, error) {
	env := acct.environment("/bin/sh", []string{"GOMAXPROCS=1", "GOMEMLIMIT=24MiB"})
	return a.onPipes(s, s, acct, func(files [3]*os.File) (*process, error) {
		attr := &syscall.ProcAttr{Dir: acct.home, Env: env, Sys: &syscall.SysProcAttr{Setsid: true},
			Files: []uintptr{files[0].Fd(), files[1].Fd(), files[2].Fd()}}
		acct.own(attr.Sys)
		a.student.join(attr.Sys)
		start := func() (*process, error) {
			return a.startIn("/proc/self/exe", []string{"labmark-agent", SFTPCommand}, attr)
		}
		p, err := start()
		if errors.Is(err, syscall.ENOENT) {
			return a.inView(false, start) // the student has no /proc at the moment
		}
		return p, err
	})
}

// SFTP is the agent's binary as SFTPCommand. Relative names begin in the
// folder that it was started in.
func SFTP() error {
	dir, err := os.Getwd()
	if err != nil {
		dir = "/"
	}
	server, err := sftp.NewServer(stdio{}, sftp.WithServerWorkingDirectory(dir))
	if err != nil {
		return err
	}
	if err := server.Serve(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return server.Close()
}

// stdio is the client of SFTP.
type stdio struct{}

func (stdio) Read(p []byte) (int, error)  { return os.Stdin.Read(p) }
func (stdio) Write(p []byte) (int, error) { return os.Stdout.Write(p) }
func (stdio) Close() error                { return os.Stdin.Close() }

// personVariable is set by the gateway, and by nobody else, where a person's
// own SSH client asks. Their commands get the student's weight and limits, as
// what they type into a terminal does; and when they leave, what shall go on
// (nohup) goes on.
const personVariable = "LABMARK_PERSON"

func ofPerson(s *sshserver.Session) bool { return s.Getenv(personVariable) != "" }

// forPrograms says whether a variable that a client has set is handed on.
func forPrograms(name string) bool {
	return name == "LANG" || name == "TERM" || strings.HasPrefix(name, "LC_") ||
		strings.HasPrefix(name, "LABMARK_") && name != personVariable
}
