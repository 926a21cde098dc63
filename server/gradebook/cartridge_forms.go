package gradebook

import "encoding/xml"

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
