package gradebook

import (
	"archive/zip"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/labmark/labmark/content"
)

// cartridge is a version of Common Cartridge.
type cartridge struct {
	schema, version string
	manifest, link  string // XML namespaces
	resource        string // type of an LTI link
}

var (
	thin13 = cartridge{"IMS Thin Common Cartridge", "1.3.0",
		"http://www.imsglobal.org/xsd/imsccv1p3/imscp_v1p1", "http://www.imsglobal.org/xsd/imslticc_v1p3", "imsbasiclti_xmlv1p3"}
	full11 = cartridge{"IMS Common Cartridge", "1.1.0",
		"http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1", "http://www.imsglobal.org/xsd/imslticc_v1p0", "imsbasiclti_xmlv1p0"}
)

// Cartridge writes an .imscc with an LTI link for each tutorial of a course: a
// thin cartridge of version 1.3, which Canvas and most platforms import. The
// link says which tutorial it is by the custom parameter tutorial
// ("COURSE/TUTORIAL"), and once more in its address, for platforms that drop
// custom parameters, as Moodle does. Canvas makes an assignment of each link
// that has points. launch is the tool's launch address. The same course gives
// the same bytes.
func Cartridge(w io.Writer, c *content.Course, launch string) error {
	return writeCartridge(w, c, launch, thin13)
}

// Cartridge11 is like Cartridge, in version 1.1: the newest that Moodle's own
// importer knows.
func Cartridge11(w io.Writer, c *content.Course, launch string) error {
	return writeCartridge(w, c, launch, full11)
}

func writeCartridge(w io.Writer, c *content.Course, launch string, v cartridge) error {
	address, err := url.Parse(launch)
	if err != nil || address.Host == "" {
		return fmt.Errorf("%q can't be launched: give the full address", launch)
	}
	lom := strings.NewReplacer("www.imsglobal.org", "ltsc.ieee.org", "imscp_v1p1", "LOM/manifest").Replace(v.manifest)
	m := manifest{Namespace: v.manifest, LOM: lom, ID: "labmark-" + c.ID,
		Metadata:     manifestMetadata{Schema: v.schema, Version: v.version, Title: lomText{c.Language, c.Title}},
		Organization: organization{ID: "organization", Structure: "rooted-hierarchy"}}
	m.Organization.Root = rootItem{ID: "root", Module: module{ID: "course-" + c.ID, Title: c.Title}}
	z := zip.NewWriter(w)
	files := map[string]any{}
	for _, t := range c.Tutorials {
		name := "lti/" + t.ID + ".xml"
		m.Organization.Root.Module.Items = append(m.Organization.Root.Module.Items, item{"item-" + t.ID, "link-" + t.ID, t.Title})
		m.Resources = append(m.Resources, resource{ID: "link-" + t.ID, Type: v.resource, File: file{name}})
		files[name] = newLink(c, t, *address, v)
	}
	if err := addXML(z, "imsmanifest.xml", m); err != nil {
		return err
	}
	for _, r := range m.Resources {
		if err := addXML(z, r.File.Href, files[r.File.Href]); err != nil {
			return err
		}
	}
	return z.Close()
}

func newLink(c *content.Course, t *content.Tutorial, launch url.URL, v cartridge) ltiLink {
	name := c.ID + "/" + t.ID
	q := launch.Query()
	q.Set("tutorial", name)
	launch.RawQuery = q.Encode()
	of := 0.0
	for _, check := range t.Checks {
		of += check.Points
	}
	l := ltiLink{Namespace: v.link, BLTI: "http://www.imsglobal.org/xsd/imsbasiclti_v1p0",
		LTICM: "http://www.imsglobal.org/xsd/imslticm_v1p0", LTICP: "http://www.imsglobal.org/xsd/imslticp_v1p0",
		Title: t.Title, Description: t.Summary, Custom: []property{{"tutorial", name}},
		Vendor: vendor{"labmark", "Labmark"}}
	if launch.Scheme == "https" {
		l.Secure = launch.String()
	}
	// Moodle reads no other address than this.
	l.Launch = launch.String()
	if of > 0 {
		l.Extensions = &extensions{"canvas.instructure.com", []property{{"outcome", exact(of)}}}
	}
	return l
}

func addXML(z *zip.Writer, name string, doc any) error {
	text, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, xml.Header+string(text)+"\n")
	return err
}
