package sample

import htmltemplate "html/template"

// template marks s as HTML that is safe to show; all of it is written here.
func template(s string) htmltemplate.HTML { return htmltemplate.HTML(s) }
