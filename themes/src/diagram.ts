// Mermaid, in files of its own: only pages with diagrams need it.
//
// It writes style elements and style attributes, which the page's policy
// refuses, even in documents that nobody sees. So here attributes are set
// through the style object, as in policy.ts, and texts that are parsed have
// neither: their styles travel under another name. What is drawn goes into a
// shadow tree whose style sheet is made by script, which the policy lets be;
// there, page and drawing can't spoil each other's looks either.
import mermaid from 'mermaid'
import type { Theme } from './choice'
import { colours } from './diagramcolours'

// draw gives an element with the drawing. beside is where it will stand, as
// wide as it may become.
export function draw(id: string, source: string, theme: Theme, beside: HTMLElement): Promise<HTMLElement> {
  // By turns: Mermaid has one configuration for all.
  const done = last.then(() => drawNow(id, source, theme, beside))
  last = done.catch(() => {})
  return done
}

let last: Promise<unknown> = Promise.resolve()

async function drawNow(id: string, source: string, theme: Theme, beside: HTMLElement): Promise<HTMLElement> {
  const stage = document.createElement('div')
  stage.className = 'diagram-stage'
  stage.setAttribute('aria-hidden', 'true')
  beside.append(stage)
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: 'strict',
    suppressErrorRendering: true,
    htmlLabels: false,
    theme: 'base',
    themeVariables: colours[theme],
    fontFamily: getComputedStyle(beside).fontFamily,
  })
  const rules: string[] = []
  const mend = obeyPolicy(rules)
  try {
    const { svg } = await mermaid.render(id, source, stage)
    return placed(svg, rules.join('\n'))
  } finally {
    mend()
    stage.remove()
  }
}

// carried is the name under which style attributes travel through parsers.
const carried = 'data-carried-style'

// obeyPolicy has styles set without breaking the policy, until the function
// that it gives is called. The rules of style elements that would be parsed
// are collected.
function obeyPolicy(rules: string[]): () => void {
  const setAttribute = Element.prototype.setAttribute
  const parse = DOMParser.prototype.parseFromString
  Element.prototype.setAttribute = function (this: Element, name: string, value: string) {
    if (name === 'style' && (this instanceof SVGElement || this instanceof HTMLElement)) this.style.cssText = value
    else setAttribute.call(this, name, value)
  }
  // Sanitised text may come as an object of the browser's: see Trusted Types.
  DOMParser.prototype.parseFromString = function (this: DOMParser, text: unknown, type: DOMParserSupportedType) {
    const plain = String(text).replace(/<style\b[^>]*>([^]*?)<\/style>/g, (_, css: string) => {
      rules.push(css)
      return ''
    })
    return parse.call(this, plain.replaceAll(/\sstyle=(?=["'])/g, ` ${carried}=`), type)
  }
  return () => {
    Element.prototype.setAttribute = setAttribute
    DOMParser.prototype.parseFromString = parse
  }
}

// placed makes a shadow tree of a finished drawing.
function placed(svg: string, rules: string): HTMLElement {
  const host = document.createElement('div')
  const shadow = host.attachShadow({ mode: 'open' })
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(rules)
  shadow.adoptedStyleSheets = [sheet]
  const drawing = document.importNode(new DOMParser().parseFromString(svg, 'text/html').querySelector('svg')!, true)
  for (const e of [drawing, ...drawing.querySelectorAll<SVGElement>(`[${carried}]`)]) {
    e.style.cssText = e.getAttribute(carried) ?? ''
    e.removeAttribute(carried)
  }
  // On a phone one rather scrolls than reads letters of half the size.
  const natural = parseFloat(drawing.style.maxWidth)
  if (natural > 0) drawing.style.minWidth = `${0.7 * natural}px`
  shadow.append(drawing)
  return host
}
