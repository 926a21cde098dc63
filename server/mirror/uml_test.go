package mirror

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/uml"
)

const patience = 3 * time.Minute

// ground runs real guests by User-Mode Linux, beside a bed's mirror.
type ground struct {
	*bed
	backend *uml.Backend
	images  *image.Store
}

func newGround(t *testing.T, handler http.HandlerFunc) *ground {
	b := newBed(t, handler)
	images, err := image.Open(os.Getenv("LABMARK_TEST_IMAGE_DIR"))
	if err != nil {
		t.Fatal(err)
	}
	backend, err := uml.New(uml.Config{Dir: t.TempDir(), Images: images, Mirror: b.socket})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = backend.Close() })
	return &ground{b, backend, images}
}

// start starts a guest and returns what runs commands in it as root.
func (g *ground) start(id, digest string, open ...string) func(command string) (string, error) {
	g.Helper()
	hostKey, public, err := guestssh.NewHostKey()
	if err != nil {
		g.Fatal(err)
	}
	clientKey, _, _ := guestssh.NewHostKey()
	signer, err := ssh.ParsePrivateKey(clientKey)
	if err != nil {
		g.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	g.Cleanup(func() {
		if err := g.backend.Destroy(context.Background(), id); err != nil {
			g.Error(err)
		}
	})
	err = g.backend.Create(ctx, vmbackend.Spec{ID: id, Image: digest, HostKey: hostKey, Open: open,
		AuthorizedKey: ssh.MarshalAuthorizedKey(signer.PublicKey())})
	if err != nil {
		g.Fatal(err)
	}
	if err := g.backend.Start(ctx, id); err != nil {
		g.Fatal(err)
	}
	client, err := guestssh.Connect(ctx, g.backend, id, "root", public, signer)
	if err != nil {
		g.Fatal(err)
	}
	g.Cleanup(func() { client.Close() })
	return func(command string) (string, error) {
		session, err := client.NewSession()
		if err != nil {
			return "", err
		}
		defer session.Close()
		late := time.AfterFunc(patience, func() { client.Close() })
		defer late.Stop()
		out, err := session.CombinedOutput(command)
		return strings.TrimSpace(string(out)), err
	}
}

// get is a command that sends a request to the guest's proxy and prints the
// answer. It hangs up only after the proxy has, unlike "printf | nc".
func get(method, address string) string {
	return "pipe=$(mktemp -u) && mkfifo $pipe && exec 3<>$pipe && " +
		"printf '" + method + " " + address + ` HTTP/1.0\r\nHost: x\r\n\r\n' >&3 && nc -w 60 127.0.0.1 3142 <&3`
}

func (g *ground) tiny() string {
	g.Helper()
	recipe, err := image.Builtin("tiny")
	if err != nil {
		g.Fatal(err)
	}
	built, err := image.Ensure(g.Context(), recipe, g.images, nil)
	if err != nil {
		g.Fatal(err)
	}
	return built.Digest
}

// Students fetch packages where the course opens that, and nowhere else: root
// in the other guest finds no listener, and the line is no way either.
func TestGuestsReachTheMirrorWhereTheCourseOpensIt(t *testing.T) {
	g := newGround(t, packages)
	digest := g.tiny()
	opened := g.start("opened", digest, vmbackend.OpenMirror)
	fetch := get("GET", "http://mirror.example:"+g.port()+"/debian/x")
	if out, err := opened(fetch); err != nil || !strings.HasSuffix(out, "0123456789") {
		t.Errorf("the opened guest got %q, %v", out, err)
	}
	for request, want := range map[string]string{
		get("GET", "http://other.example/"):      "403 This address is not open",
		get("GET", "http://169.254.169.254/"):    "403 This address is not open",
		get("CONNECT", "mirror.example:22"):      "403 Only http",
		get("GET", "/debian/x"):                  "400 This is a proxy",
		get("DELETE", "http://mirror.example/x"): "405 Only GET",
	} {
		if out, _ := opened(request); !strings.Contains(out, want) {
			t.Errorf("%s\nthe guest reads %q", request, out)
		}
	}
	// Many at once, each whole, while somebody logs in.
	if out, err := opened("for i in $(seq 40); do (" + fetch + ") >/tmp/out$i & done; wait; grep -c 0123456789 /tmp/out* | grep -c :1"); err != nil || out != "40" {
		t.Errorf("of 40 downloads at once %q succeeded, %v", out, err)
	}
	if out, err := opened("netstat -ltn | grep -v 127.0.0.1: | grep LISTEN"); err == nil {
		t.Errorf("the guest listens beyond its loopback: %s", out)
	}
	sealed := g.start("sealed", digest)
	if out, err := sealed(fetch); err == nil || !strings.Contains(out, "refused") {
		t.Errorf("the sealed guest got %q, %v", out, err)
	}
	if out, err := sealed("netstat -ltn | grep LISTEN"); err == nil {
		t.Errorf("the sealed guest has a listener: %s", out)
	}
	if got := g.log.String(); strings.Contains(got, "sealed") || !strings.Contains(got, "guest=opened") {
		t.Errorf("the log says %s", got)
	}
}

// The gateway may be restarted under a guest that fetches something.
func TestTheMirrorComesBackWithItsGateway(t *testing.T) {
	g := newGround(t, packages)
	away := g.socket + ".away"
	if err := os.Rename(g.socket, away); err != nil {
		t.Fatal(err)
	}
	run := g.start("patient", g.tiny(), vmbackend.OpenMirror)
	fetch := get("GET", "http://mirror.example:"+g.port()+"/debian/x")
	if out, err := run(fetch); !strings.Contains(out, "503 The gateway") {
		t.Errorf("without a gateway the guest got %q, %v", out, err)
	}
	if err := os.Rename(away, g.socket); err != nil {
		t.Fatal(err)
	}
	if out, err := run(fetch); !strings.Contains(out, "0123456789") {
		t.Errorf("with it back the guest got %q, %v", out, err)
	}
}

// apt installs a package, as a course on software would ask for.
func TestAptInstallsFromTheMirror(t *testing.T) {
	images, err := image.Open(os.Getenv("LABMARK_TEST_IMAGE_DIR"))
	if err != nil {
		t.Fatal(err)
	}
	debian, err := images.Resolve("debian-12")
	if err != nil {
		t.Skip("the image debian-12 is not there (make image builds it):", err)
	}
	deb, err := exec.LookPath("dpkg-deb")
	if err != nil {
		t.Skip("no dpkg-deb here to make a package with:", err)
	}
	repository := handMade(t, deb)
	g := newGround(t, http.StripPrefix("/debian", http.FileServer(http.Dir(repository))).ServeHTTP)
	run := g.start("debian", debian.Digest, vmbackend.OpenMirror)
	for _, command := range []string{
		"rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*",
		"echo 'deb [trusted=yes] http://mirror.example:" + g.port() + "/debian ./' >/etc/apt/sources.list",
		"apt-get -q update",
		"DEBIAN_FRONTEND=noninteractive apt-get -q -y install labmark-hello",
	} {
		if out, err := run(command); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	if out, err := run("cat /usr/share/labmark-hello"); err != nil || out != "hello" {
		t.Errorf("the package brought %q, %v", out, err)
	}
}

// handMade makes a repository of one package.
func handMade(t *testing.T, deb string) string {
	repository, tree := t.TempDir(), t.TempDir()
	const control = "Package: labmark-hello\nVersion: 1\nArchitecture: all\nMaintainer: Labmark <root@localhost>\nDescription: a file\n"
	for path, text := range map[string]string{"DEBIAN/control": control, "usr/share/labmark-hello": "hello\n"} {
		path = filepath.Join(tree, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(repository, "labmark-hello_1_all.deb")
	if out, err := exec.Command(deb, "--root-owner-group", "--build", tree, file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	index := fmt.Sprintf("%sFilename: ./%s\nSize: %d\nSHA256: %x\n\n", control, filepath.Base(file), len(content), sha256.Sum256(content))
	if err := os.WriteFile(filepath.Join(repository, "Packages"), []byte(index), 0o644); err != nil {
		t.Fatal(err)
	}
	return repository
}
