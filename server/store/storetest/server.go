package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// superuser of the server; no password is asked for, as only this user's
// processes reach its socket.
const superuser = "labmark"

// Server is a PostgreSQL of our own: it answers on a socket in a folder that
// only its user may enter, and never on the network. It ends with this process,
// however that ends.
type Server struct {
	bin, dir string
	as       *syscall.SysProcAttr
	ended    chan struct{}
	pid      int
}

// programs is the folder of PostgreSQL's, the newest; empty if there is none.
func programs() string {
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path)
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	best, newest := "", -1
	for _, path := range found {
		if n, err := strconv.Atoi(strings.Split(path, "/")[4]); err == nil && n > newest {
			best, newest = filepath.Dir(path), n
		}
	}
	return best
}

// Start makes a new server. End it by Stop.
func Start() (*Server, error) {
	s := &Server{bin: programs()}
	if s.bin == "" {
		return nil, errors.New("there is no PostgreSQL on this machine: install Debian's package postgresql (internal/setup/packages.sh test)")
	}
	sweep()
	var err error
	if s.as, err = unprivileged(); err != nil {
		return nil, err
	}
	// Not below a test's folder: the name of a socket is 107 bytes at most.
	if s.dir, err = os.MkdirTemp("", fmt.Sprintf("lmpg-%d-", os.Getpid())); err != nil {
		return nil, err
	}
	if err := s.begin(); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) begin() error {
	if c := s.as.Credential; c != nil {
		if err := os.Chown(s.dir, int(c.Uid), int(c.Gid)); err != nil {
			return err
		}
	}
	initdb := s.command("initdb", "--no-sync", "--username="+superuser, "--auth=trust", "--encoding=UTF8", "--locale=C", "--pgdata="+s.data())
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return s.Run()
}

// Run starts the server again after Kill, and waits until it answers.
func (s *Server) Run() error {
	cmd := s.command("postgres", "-D", s.data(), "-k", s.dir, "-c", "listen_addresses=",
		"-c", "unix_socket_permissions=0700", "-c", "fsync=off", "-c", "max_connections=200", "-c", "shared_buffers=32MB",
		"-c", "jit=off", "-c", "log_min_messages=fatal")
	var log bytes.Buffer
	cmd.Stderr = &log
	began, ended := make(chan error), make(chan struct{})
	go func() {
		// The signal comes when the thread ends that has started it.
		runtime.LockOSThread()
		err := cmd.Start()
		began <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(ended)
	}()
	if err := <-began; err != nil {
		return err
	}
	s.ended, s.pid = ended, cmd.Process.Pid
	for deadline := time.Now().Add(2 * time.Minute); ; {
		err := s.do("postgres", "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("PostgreSQL ended: %s", log.String())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("PostgreSQL does not answer: %w", err)
		}
	}
}

// Create makes an empty database.
func (s *Server) Create(name string) error { return s.do("postgres", "CREATE DATABASE "+name) }

// Kill ends the server as a crash would; Run starts it again.
func (s *Server) Kill() {
	_ = syscall.Kill(s.pid, syscall.SIGQUIT) // it takes its children with it, and writes nothing down
	<-s.ended
}

// Stop ends the server and removes all that it has kept.
func (s *Server) Stop() {
	if s.ended != nil {
		s.Kill()
	}
	os.RemoveAll(s.dir)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.SysProcAttr, cmd.Dir = s.as, s.dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	return cmd
}

func (s *Server) do(database, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// unprivileged says as whom to run the server, which refuses to be root's.
func unprivileged() (*syscall.SysProcAttr, error) {
	as := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT, Setpgid: true}
	if os.Geteuid() != 0 {
		return as, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return as, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

// sweep removes what servers have left whose process was killed.
func sweep() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), "lmpg-*-*"))
	for _, dir := range left {
		pid, err := strconv.Atoi(strings.Split(filepath.Base(dir), "-")[1])
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			os.RemoveAll(dir)
		}
	}
}
