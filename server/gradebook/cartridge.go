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

// Cartridge is a version of Common Cartridge.
type Cartridge struct {
	schema, version string
	manifest, link  string // XML namespaces
	resource        string // type of an LTI link
}

// Thin13 is a thin cartridge of version 1.3 (IMS Common Cartridge Profile 1.3,
// section 4.4), which Canvas and most platforms import. Moodle's own importer
// knows versions only up to Cartridge11.
var (
	Thin13 = Cartridge{"IMS Thin Common Cartridge", "1.3.0",
		"http://www.imsglobal.org/xsd/imsccv1p3/imscp_v1p1", "http://www.imsglobal.org/xsd/imslticc_v1p3", "imsbasiclti_xmlv1p3"}
	Cartridge11 = Cartridge{"IMS Common Cartridge", "1.1.0",
		"http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1", "http://www.imsglobal.org/xsd/imslticc_v1p0", "imsbasiclti_xmlv1p0"}
)

// The manifest, as far as it is needed. The default namespace comes first:
// Moodle looks for it in the first 500 bytes.
type (
	manifest struct {
		XMLName      xml.Name `xml:"manifest"`
		Namespace    string   `xml:"xmlns,attr"`
		LOM          string   `xml:"xmlns:lomimscc,attr"`
		ID           string   `xml:"identifier,attr"`
		Metadata     manifestMetadata
		Organization organization `xml:"organizations>organization"`
		Resources    []resource   `xml:"resources>resource"`
	}
	manifestMetadata struct {
		XMLName xml.Name `xml:"metadata"`
		Schema  string   `xml:"schema"`
		Version string   `xml:"schemaversion"`
		Title   lomText  `xml:"lomimscc:lom>lomimscc:general>lomimscc:title>lomimscc:string"`
	}
	lomText struct {
		Language string `xml:"language,attr"`
		Text     string `xml:",chardata"`
	}
	organization struct {
		ID        string   `xml:"identifier,attr"`
		Structure string   `xml:"structure,attr"`
		Root      rootItem `xml:"item"`
	}
	rootItem struct {
		ID     string `xml:"identifier,attr"`
		Module module `xml:"item"`
	}
	module struct {
		ID    string `xml:"identifier,attr"`
		Title string `xml:"title"`
		Items []item `xml:"item"`
	}
	item struct {
		ID    string `xml:"identifier,attr"`
		Ref   string `xml:"identifierref,attr"`
		Title string `xml:"title"`
	}
	resource struct {
		ID   string `xml:"identifier,attr"`
		Type string `xml:"type,attr"`
		File file   `xml:"file"`
	}
	file struct {
		Href string `xml:"href,attr"`
	}
)

// ltiLink is one LTI link (IMS Basic LTI XML binding, imslticc).
type ltiLink struct {
	XMLName     xml.Name    `xml:"cartridge_basiclti_link"`
	Namespace   string      `xml:"xmlns,attr"`
	BLTI        string      `xml:"xmlns:blti,attr"`
	LTICM       string      `xml:"xmlns:lticm,attr"`
	LTICP       string      `xml:"xmlns:lticp,attr"`
	Title       string      `xml:"blti:title"`
	Description string      `xml:"blti:description,omitempty"`
	Custom      []property  `xml:"blti:custom>lticm:property"`
	Extensions  *extensions `xml:"blti:extensions"`
	Launch      string      `xml:"blti:launch_url,omitempty"`
	Secure      string      `xml:"blti:secure_launch_url,omitempty"`
	Vendor      vendor      `xml:"blti:vendor"`
}

type property struct {
	Name string `xml:"name,attr"`
	Text string `xml:",chardata"`
}

type extensions struct {
	Platform   string     `xml:"platform,attr"`
	Properties []property `xml:"lticm:property"`
}

type vendor struct {
	Code string `xml:"lticp:code"`
	Name string `xml:"lticp:name"`
}

// WriteCartridge writes an .imscc with an LTI link for each tutorial of a
// course. The link says which by the custom parameter tutorial
// ("COURSE/TUTORIAL"), and once more in its address, for platforms that drop
// custom parameters, as Moodle does. Canvas makes an assignment of each link
// that has points. launch is the tool's launch address. The same course gives
// the same bytes.
func WriteCartridge(w io.Writer, c *content.Course, launch string, v Cartridge) error {
	address, err := url.Parse(launch)
	if err != nil || address.Host == "" {
		return fmt.Errorf("%q can't be launched: give the full address", launch)
	}
	m := manifest{Namespace: v.manifest, LOM: strings.Replace(v.manifest, "www.imsglobal.org/xsd", "ltsc.ieee.org/xsd", 1), ID: "labmark-" + c.ID,
		Metadata:     manifestMetadata{Schema: v.schema, Version: v.version, Title: lomText{c.Language, c.Title}},
		Organization: organization{ID: "organization", Structure: "rooted-hierarchy"}}
	m.LOM = strings.Replace(m.LOM, "imscp_v1p1", "LOM/manifest", 1)
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

func newLink(c *content.Course, t *content.Tutorial, launch url.URL, v Cartridge) ltiLink {
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
