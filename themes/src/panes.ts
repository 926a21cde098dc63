// How the place is shared: a splitter on wide screens, a switch on phones.
import { remember, remembered } from './choice'
import { inside, part } from './page'

const narrowest = 25
const widest = 75

// splitter lets the tutorial's width be dragged or set by arrow keys, in per
// cent of the place, after the window splitter pattern of WAI-ARIA.
export function splitter(): void {
  const place = part('main')
  const bar = part('splitter')
  const set = (percent: number) => {
    const width = Math.round(Math.min(widest, Math.max(narrowest, percent)))
    place.style.setProperty('--tutorial-width', `${width}%`)
    bar.setAttribute('aria-valuenow', String(width))
    remember('split', String(width))
  }
  const now = () => Number(bar.getAttribute('aria-valuenow'))
  const stored = Number(remembered('split'))
  if (stored) set(stored)

  bar.addEventListener('pointerdown', (e) => {
    bar.setPointerCapture(e.pointerId)
    bar.dataset.dragged = ''
    e.preventDefault()
    bar.focus()
  })
  bar.addEventListener('pointermove', (e) => {
    if (!bar.hasPointerCapture(e.pointerId)) return
    const box = place.getBoundingClientRect()
    set((100 * (e.clientX - box.left)) / box.width)
  })
  bar.addEventListener('lostpointercapture', () => delete bar.dataset.dragged)
  bar.addEventListener('dblclick', () => set(48))
  bar.addEventListener('keydown', (e) => {
    const to: Record<string, number> = { ArrowLeft: now() - 2, ArrowRight: now() + 2, Home: narrowest, End: widest, Enter: 48 }
    const width = to[e.key]
    if (width === undefined) return
    e.preventDefault()
    set(width)
  })
}

// showPane brings a pane to the front on narrow screens, where only one fits.
export function showPane(name: 'tutorial' | 'machine'): void {
  part('main').dataset.pane = name
  for (const b of document.querySelectorAll<HTMLElement>('.pane-switch button')) {
    b.setAttribute('aria-pressed', String(b.dataset.pane === name))
  }
  dispatchEvent(new Event('resize'))
}

export function paneSwitch(): void {
  for (const b of document.querySelectorAll<HTMLElement>('.pane-switch button')) {
    b.addEventListener('click', () => showPane(b.dataset.pane as 'tutorial' | 'machine'))
  }
}

// machineTabs switches between what the machine's tabs show, by the ids of
// their panels; arrow keys move, after the tabs pattern of WAI-ARIA.
export function machineTabs(selected: (panel: string) => void): (panel: string) => void {
  const tabs = [...document.querySelectorAll<HTMLElement>('.tab')]
  const panelOf = (tab: HTMLElement) => tab.getAttribute('aria-controls')!
  const select = (panel: string) => {
    for (const tab of tabs) {
      const on = panelOf(tab) === panel
      tab.setAttribute('aria-selected', String(on))
      tab.tabIndex = on ? 0 : -1
      part(panelOf(tab)).hidden = !on
    }
    selected(panel)
  }
  inside(document, '.tabs').addEventListener('keydown', (e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[(e as KeyboardEvent).key]
    const at = tabs.indexOf(document.activeElement as HTMLElement)
    if (!step || at < 0) return
    const next = tabs[(at + step + tabs.length) % tabs.length]!
    next.focus()
    select(panelOf(next))
  })
  for (const tab of tabs) tab.addEventListener('click', () => select(panelOf(tab)))
  return select
}
