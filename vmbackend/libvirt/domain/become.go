package domain

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Identity is what tells one clone of a saved machine from another.
type Identity struct {
	Name, UUID, Title, Note string
	Disk                    string
}

// Become gives the description of a saved machine another identity. All else
// stays as it was saved, to the letter: addresses of devices, machine version.
func Become(text string, id Identity) (string, error) {
	b := becoming{text: text, dec: xml.NewDecoder(strings.NewReader(text)), left: map[string]string{
		"domain/name": element("name", id.Name) + element("title", id.Title) + noteElement(id.Note),
		"domain/uuid": element("uuid", id.UUID),
		// The first disk is the guest's own; its chain of files is found anew.
		"domain/devices/disk/source": "<source file='" + escape(id.Disk) + "'/>",
	}}
	for {
		begin := b.dec.InputOffset()
		token, err := b.dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = b.take(token, begin)
		}
		if err != nil {
			return "", fmt.Errorf("the description of the saved machine cannot be read: %w", err)
		}
	}
	if len(b.left) > 0 {
		return "", errors.New("the description of the saved machine lacks its name, UUID or disk")
	}
	return b.out.String() + text[b.copied:], nil
}

// becoming is the work of one Become.
type becoming struct {
	text   string
	dec    *xml.Decoder
	out    bytes.Buffer
	copied int64    // how much of text has been copied to out, or left out
	path   []string // of the element that dec is in
	// left is what still has to be put in place of the element at that path.
	left map[string]string
}

func (b *becoming) take(token xml.Token, begin int64) error {
	switch t := token.(type) {
	case xml.StartElement:
		b.path = append(b.path, t.Name.Local)
		insert, replace := b.replacement()
		if !replace {
			return nil
		}
		b.out.WriteString(b.text[b.copied:begin] + insert)
		return b.skip()
	case xml.EndElement:
		if len(b.path) == 0 {
			return errors.New("an element ends that did not begin")
		}
		b.path = b.path[:len(b.path)-1]
	}
	return nil
}

// replacement returns what stands in the place of the present element.
func (b *becoming) replacement() (string, bool) {
	path := strings.Join(b.path, "/")
	insert, replace := b.left[path]
	if replace {
		delete(b.left, path)
		return insert, true
	}
	switch path {
	case "domain/title", "domain/metadata", "domain/devices/disk/backingStore":
		return "", true
	}
	return "", false
}

// skip leaves out the present element.
func (b *becoming) skip() error {
	for depth := 1; depth > 0; {
		token, err := b.dec.RawToken()
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
	}
	b.copied = b.dec.InputOffset()
	b.path = b.path[:len(b.path)-1]
	return nil
}

func element(name, value string) string {
	if value == "" {
		return ""
	}
	return "<" + name + ">" + escape(value) + "</" + name + ">"
}

func noteElement(text string) string {
	if text == "" {
		return ""
	}
	return "<metadata><" + NoteKey + ":guest xmlns:" + NoteKey + "='" + NoteURI + "'>" +
		escape(text) + "</" + NoteKey + ":guest></metadata>"
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer takes everything
	return b.String()
}
