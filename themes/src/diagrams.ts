// Diagrams: their source is in the page, Mermaid draws them, in light and in
// dark colours: paper is light, whatever the screen is.
import { onTheme, shownTheme, Theme } from './choice'
import type { draw } from './diagram'
import { asset } from './prose'
import { t } from './words'

const words = { wrong: t('This diagram could not be drawn, so here is its source.') }

const figures = new Map<HTMLElement, string>() // and their sources
let library: Promise<{ draw: typeof draw }> | undefined
let count = 0

export async function drawDiagrams(root: ParentNode): Promise<void> {
  for (const figure of root.querySelectorAll<HTMLElement>('figure.diagram')) {
    const source = figure.querySelector('pre')?.textContent
    if (source && !figures.has(figure)) figures.set(figure, source)
  }
  await drawAll()
}

onTheme(() => void drawAll())

async function drawAll(): Promise<void> {
  for (const [figure, source] of figures) {
    if (!figure.isConnected) figures.delete(figure)
    else await drawOne(figure, source)
  }
}

async function drawOne(figure: HTMLElement, source: string): Promise<void> {
  if (figure.classList.contains('wrong')) return
  const wanted = new Set<Theme>([shownTheme(), 'light'])
  for (const theme of wanted) {
    if (figure.querySelector(`.drawing[data-look=${theme}]`)) continue
    try {
      library ??= import(asset('diagram'))
      const { draw } = await library
      show(figure, theme, await draw(`diagram-${++count}`, source, theme, figure))
    } catch {
      library = undefined // the browser may have lost its way to the file only now
      figure.classList.add('wrong')
      const notice = document.createElement('p')
      notice.className = 'small'
      notice.textContent = words.wrong
      figure.prepend(notice)
      return
    }
  }
}

// show puts a drawing beside the one in other colours; style sheets choose.
// It says what the caption says to who can't see it.
function show(figure: HTMLElement, theme: Theme, drawing: HTMLElement): void {
  const caption = figure.querySelector('figcaption')!
  caption.id ||= `caption:${count}`
  drawing.className = 'drawing'
  drawing.dataset.look = theme
  drawing.setAttribute('role', 'img')
  drawing.setAttribute('aria-labelledby', caption.id)
  caption.before(drawing)
  figure.querySelector('pre')?.remove()
  if (drawing.scrollWidth > drawing.clientWidth) drawing.tabIndex = 0
}
