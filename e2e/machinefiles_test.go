package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// put uploads a file by the page's form, and returns the page that follows.
func (s *student) put(t *testing.T, folder, name string, data []byte) (status int, page string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(data); err != nil {
		t.Fatal(err)
	}
	form.Close()
	res, err := s.Post(s.g.url+"/courses/trials/work/machine/put?path="+url.QueryEscape(folder), form.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, strings.ReplaceAll(string(text), "<wbr>", "")
}

func (s *student) fetch(t *testing.T, path string) (*http.Response, []byte) {
	t.Helper()
	res, err := s.Get(s.g.url + "/courses/trials/work/machine/get?path=" + url.QueryEscape(path))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

func TestFilesGoIntoTheMachineAndOut(t *testing.T) {
	g := startGateway(t, "course", "--pool", "0")
	ann, bob := g.student(t, "ann", "work"), g.student(t, "bob", "work")
	if page := ann.read(t, http.MethodGet, g.url+"/courses/trials/work/machine"); !strings.Contains(page, "Your machine is not running") {
		t.Errorf("without a machine: %s", page)
	}
	ann.ready(t)
	data := make([]byte, 5<<20+1<<16) // more than other requests may bring
	rand.Read(data)
	name := "<b>it's ü.html"
	if status, page := ann.put(t, "", name, data); status != http.StatusOK || strings.Contains(page, "<b>it") || !strings.Contains(page, "/home/student") {
		t.Fatalf("uploading: %d\n%s", status, page)
	}
	res, got := ann.fetch(t, "/home/student/"+name)
	if !bytes.Equal(got, data) {
		t.Errorf("%d bytes came back, others than went in", len(got))
	}
	for header, want := range map[string]string{"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"} {
		if !strings.Contains(res.Header.Get(header), want) {
			t.Errorf("%s is %q", header, res.Header.Get(header))
		}
	}
	res, got = ann.fetch(t, "/home/student")
	if !strings.Contains(res.Header.Get("Content-Disposition"), "student.tar.gz") || !inArchive(t, got, "student/"+name, data) {
		t.Errorf("the folder's archive (%v) lacks the file", res.Header)
	}
	if status, page := ann.put(t, "/etc", "x", nil); status != http.StatusUnprocessableEntity || !strings.Contains(page, "lacks the right") {
		t.Errorf("a student wrote to /etc: %d\n%s", status, page)
	}
	if status, _ := ann.put(t, "", "../../etc/x", []byte("x")); status != http.StatusOK {
		t.Errorf("a name with a path: %d", status)
	}
	if page := ann.read(t, http.MethodGet, g.url+"/courses/trials/work/machine?path=/home/student"); !strings.Contains(page, "%2Fhome%2Fstudent%2Fx&") && !strings.Contains(page, "%2Fhome%2Fstudent%2Fx\"") {
		t.Errorf("it is not stored by its last name: %s", page)
	}
	if res, _ := ann.fetch(t, "/dev/zero"); res.StatusCode != http.StatusConflict {
		t.Errorf("a device: %s", res.Status)
	}
	if res, body := bob.fetch(t, "/home/student/"+name); res.StatusCode != http.StatusConflict || bytes.Contains(body, data[:100]) {
		t.Errorf("bob, who has no machine, got %s", res.Status)
	}
}

func inArchive(t *testing.T, archive []byte, name string, data []byte) bool {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			return false
		}
		if h.Name == name {
			got, err := io.ReadAll(r)
			return err == nil && bytes.Equal(got, data)
		}
	}
}
