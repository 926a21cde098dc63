package gradebook

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/labmark/labmark/content"
)

// What an importer reads, by namespaces and not by prefixes.
type readManifest struct {
	XMLName xml.Name
	Schema  string `xml:"metadata>schema"`
	Version string `xml:"metadata>schemaversion"`
	Title   string `xml:"metadata>lom>general>title>string"`
	Items   []struct {
		Ref   string `xml:"identifierref,attr"`
		Title string `xml:"title"`
	} `xml:"organizations>organization>item>item>item"`
	Resources []struct {
		ID   string `xml:"identifier,attr"`
		Type string `xml:"type,attr"`
		File struct {
			Href string `xml:"href,attr"`
		} `xml:"file"`
	} `xml:"resources>resource"`
}

type readLink struct {
	XMLName xml.Name
	Title   string `xml:"http://www.imsglobal.org/xsd/imsbasiclti_v1p0 title"`
	Launch  string `xml:"http://www.imsglobal.org/xsd/imsbasiclti_v1p0 launch_url"`
	Secure  string `xml:"http://www.imsglobal.org/xsd/imsbasiclti_v1p0 secure_launch_url"`
	Custom  struct {
		Properties []readProperty `xml:"http://www.imsglobal.org/xsd/imslticm_v1p0 property"`
	} `xml:"http://www.imsglobal.org/xsd/imsbasiclti_v1p0 custom"`
	Extensions []struct {
		Platform   string         `xml:"platform,attr"`
		Properties []readProperty `xml:"http://www.imsglobal.org/xsd/imslticm_v1p0 property"`
	} `xml:"http://www.imsglobal.org/xsd/imsbasiclti_v1p0 extensions"`
	Vendor struct {
		Code string `xml:"http://www.imsglobal.org/xsd/imslticp_v1p0 code"`
	} `xml:"http://www.imsglobal.org/xsd/imsbasiclti_v1p0 vendor"`
}

type readProperty struct {
	Name string `xml:"name,attr"`
	Text string `xml:",chardata"`
}

func unzip(t *testing.T, b []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if out[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	return out
}

func TestCartridgeIsReadBack(t *testing.T) {
	c := &content.Course{ID: "linux", Title: "Linux & <friends>", Language: "en", Tutorials: []*content.Tutorial{
		{ID: "users", Title: "Users & groups", Summary: "Who may what.", Checks: []*content.Check{{ID: "a", Points: 2.5}, {ID: "b", Points: 5}}},
		{ID: "read", Title: "Only to read"},
	}}
	for _, v := range []cartridge{thin13, full11} {
		var b, again bytes.Buffer
		for _, w := range []io.Writer{&b, &again} {
			if err := writeCartridge(w, c, "https://labs.example/lti/launch", v); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Error("the same course gives other bytes")
		}
		files := unzip(t, b.Bytes())
		text := files["imsmanifest.xml"]
		if i := bytes.Index(text, []byte(`xmlns="`+v.manifest+`"`)); i < 0 || i > 400 {
			t.Errorf("the manifest's version stands at %d:\n%s", i, text)
		}
		var m readManifest
		if err := xml.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		if m.XMLName.Space != v.manifest || m.Schema != v.schema || m.Version != v.version || m.Title != c.Title {
			t.Errorf("manifest %+v", m)
		}
		if len(m.Items) != 2 || len(m.Resources) != 2 || len(files) != 3 {
			t.Fatalf("%d items, %d resources, %d files:\n%s", len(m.Items), len(m.Resources), len(files), text)
		}
		for i, r := range m.Resources {
			if m.Items[i].Ref != r.ID || m.Items[i].Title != c.Tutorials[i].Title || r.Type != v.resource {
				t.Errorf("item %+v, resource %+v", m.Items[i], r)
			}
			var l readLink
			if err := xml.Unmarshal(files[r.File.Href], &l); err != nil {
				t.Fatal(err)
			}
			id := c.Tutorials[i].ID
			want := "https://labs.example/lti/launch?tutorial=linux%2F" + id
			if l.XMLName.Space != v.link || l.Title != c.Tutorials[i].Title || l.Launch != want || l.Secure != want || l.Vendor.Code != "labmark" {
				t.Errorf("link %+v", l)
			}
			if p := l.Custom.Properties; len(p) != 1 || p[0] != (readProperty{"tutorial", "linux/" + id}) {
				t.Errorf("custom parameters %+v", p)
			}
			if i == 0 && (len(l.Extensions) != 1 || l.Extensions[0].Platform != "canvas.instructure.com" || l.Extensions[0].Properties[0] != (readProperty{"outcome", "7.5"})) {
				t.Errorf("Canvas makes no assignment of %+v", l.Extensions)
			}
			if i == 1 && len(l.Extensions) != 0 {
				t.Errorf("Canvas makes an assignment without points: %+v", l.Extensions)
			}
		}
	}
}

func TestCartridgeNeedsAnAddress(t *testing.T) {
	if err := Cartridge(io.Discard, &content.Course{}, "/lti/launch"); err == nil || !strings.Contains(err.Error(), "full address") {
		t.Errorf("got %v", err)
	}
}
