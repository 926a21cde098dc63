package themes

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/labmark/labmark/themes/words"
)

// What templates put into the holes of sentences that "rich" says.

func element(name string, of any) template.HTML {
	inner, ok := of.(template.HTML)
	if !ok {
		inner = template.HTML(template.HTMLEscapeString(fmt.Sprint(of)))
	}
	return template.HTML("<"+name+">") + inner + template.HTML("</"+name+">")
}

func strong(of any) template.HTML { return element("strong", of) }

func code(of any) template.HTML { return element("code", of) }

// moment is a time that the page's script writes anew in the reader's zone.
func moment(l *words.Language) func(any) template.HTML {
	return func(at any) template.HTML {
		t, ok := at.(time.Time)
		if p, is := at.(*time.Time); is {
			t, ok = *p, true
		}
		if !ok {
			panic(fmt.Sprintf("themes: %T is no time", at))
		}
		return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `">` + template.HTMLEscapeString(l.When(t)) + `</time>`)
	}
}

// links lists places, each to be followed.
func links(all []Crumb) template.HTML {
	out := make([]string, len(all))
	for i, c := range all {
		out[i] = `<a href="` + template.HTMLEscapeString(c.Href) + `">` + template.HTMLEscapeString(c.Title) + `</a>`
	}
	return template.HTML(strings.Join(out, ", "))
}

// zone is the name of a time zone, which the page's script sets to the reader's.
func zone() template.HTML { return `<span data-zone>UTC</span>` }

// goOn is the link that a hop's script looks for. The address is one of those
// that package lti has found safe.
func goOn(href, text string) template.HTML {
	return template.HTML(`<a id="continue" href="` + template.HTMLEscapeString(href) + `">` + template.HTMLEscapeString(text) + `</a>`)
}

// planned is a moment to come, which the page's script counts down to.
func planned(l *words.Language, t time.Time) template.HTML {
	return template.HTML(strings.Replace(string(moment(l)(t)), "<time ", "<time data-planned ", 1))
}
