package content

import (
	"fmt"

	"github.com/yuin/goldmark/ast"
)

// tabs compiles texts of which a reader needs one. They are sections with a
// title each; the page makes tabs of them.
func (c *compiler) tabs(n *container, b *block, at place) {
	if !n.HasChildren() {
		b.failWord("There are no tabs in here.", "Write “:::tab {title=…}” for each.")
	}
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		if !c.isTab(child) {
			c.failPage(c.nodeSpan(child), "This stands between tabs, in none of them.", "Put it into a “:::tab {title=…}”, or before the tabs.")
		}
	}
	n.open, n.close = b.openTag("div", "tab-set", ""), "</div>\n"
	c.within(n, b, at)
}

func (c *compiler) isTab(n ast.Node) bool {
	tab, ok := n.(*container)
	return ok && (tab.stray() || c.page.text[tab.word.start:tab.word.stop] == "tab")
}

func (c *compiler) tab(n *container, b *block, at place) {
	if at.in != "tabs" {
		b.failWord("A tab stands in tabs only.", "Put “:::tabs” before the first tab, and “:::” after the last.")
	}
	if !n.HasChildren() {
		b.failWord("This tab is empty.", fmt.Sprintf("Write its text, then %s.", quote(":::")))
	}
	title := ""
	if _, ok := b.required("title"); ok {
		title, _ = b.title("")
	}
	n.open = b.openTag("section", "tab-page", "") + `<p class="tab-title">` + title + "</p>\n"
	n.close = "</section>\n"
	c.within(n, b, at)
}
