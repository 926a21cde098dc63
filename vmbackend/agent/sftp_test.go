package agent_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pkg/sftp"
)

func TestFilesGoInAndOutAsTheyAre(t *testing.T) {
	client, err := sftp.NewClient(newGround(t).login(t))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	dir := t.TempDir()
	data := make([]byte, 1<<20)
	rand.Read(data)
	path := filepath.Join(dir, "a b\n'ü", "file")
	if err := client.MkdirAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	f, err := client.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadFrom(bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Chmod(0o640), f.Close()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 || info.Size() != int64(len(data)) {
		t.Errorf("the file is %v, %v", info, err)
	}
	back, err := client.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	if got, err := io.ReadAll(back); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes came back, %v, others than went in", len(got), err)
	}
	if home, err := client.Getwd(); err != nil || home == "/" && os.Getenv("HOME") != "/" {
		t.Errorf("it begins in %q, %v", home, err)
	}
}

func TestPortsOfTheGuestAloneAreForwarded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.Copy(conn, conn)
	}()
	client := newGround(t).login(t)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	conn, err := client.Dial("tcp", net.JoinHostPort("localhost", port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "ping"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "ping" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, address := range []string{"192.0.2.1:80", "169.254.169.254:80", "0.0.0.0:" + port, "example.org:80"} {
		if _, err := client.Dial("tcp", address); err == nil || !strings.Contains(err.Error(), "your own machine") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
