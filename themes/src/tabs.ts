// Texts of which one is needed, as tabs (WAI-ARIA's pattern). The same title
// is chosen in all sets of the page, and again on the next visit.
import { remember, remembered } from './choice'
import { inside } from './page'

const key = 'tabs'
const most = 20 // titles that are remembered

const sets = new Set<TabSet>()
let count = 0

export function tabSets(root: ParentNode): void {
  for (const e of root.querySelectorAll<HTMLElement>('.tab-set:not(.tabbed)')) sets.add(new TabSet(e))
}

// chosen are titles, the last chosen first.
function chosen(): string[] {
  try {
    const list: unknown = JSON.parse(remembered(key) ?? '[]')
    return Array.isArray(list) ? list.filter((t) => typeof t === 'string') : []
  } catch {
    return []
  }
}

class TabSet {
  private readonly pages: HTMLElement[]
  private readonly tabs: HTMLButtonElement[]
  private readonly titles: string[]

  constructor(private readonly element: HTMLElement) {
    element.classList.add('tabbed')
    this.pages = [...element.children].filter((e): e is HTMLElement => e.classList.contains('tab-page'))
    this.titles = this.pages.map((p) => inside(p, '.tab-title').textContent!.trim())
    this.tabs = this.pages.map((page, i) => this.tab(page, i))
    const list = document.createElement('div')
    list.className = 'tab-list'
    list.setAttribute('role', 'tablist')
    list.append(...this.tabs)
    element.prepend(list)
    list.addEventListener('keydown', (e) => this.key(e))
    const before = chosen().find((t) => this.titles.includes(t))
    this.show(before === undefined ? 0 : this.titles.indexOf(before))
    for (const event of ['hashchange', 'labmark:reveal']) addEventListener(event, () => this.reveal())
    element.ownerDocument.addEventListener('click', (e) => {
      const link = e.target instanceof Element && e.target.closest<HTMLAnchorElement>('a[href^="#"]')
      if (link) this.reveal(link.hash)
    })
    this.reveal()
  }

  private tab(page: HTMLElement, i: number): HTMLButtonElement {
    const tab = document.createElement('button')
    tab.type = 'button'
    tab.className = 'tab-button'
    tab.id = `tab:${++count}`
    tab.textContent = this.titles[i]
    tab.setAttribute('role', 'tab')
    page.id ||= `tab-page:${count}`
    tab.setAttribute('aria-controls', page.id)
    page.setAttribute('role', 'tabpanel')
    page.setAttribute('aria-labelledby', tab.id)
    page.tabIndex = 0
    tab.addEventListener('click', () => this.choose(i))
    return tab
  }

  private key(e: KeyboardEvent): void {
    const at = this.tabs.findIndex((t) => t === document.activeElement)
    const last = this.tabs.length - 1
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[e.key]
    if (at < 0 || to === undefined || e.ctrlKey || e.altKey || e.metaKey) return
    e.preventDefault()
    this.choose(to)
    this.tabs[to].focus()
  }

  // choose is what a person does: it holds for all sets with this title.
  private choose(i: number): void {
    const title = this.titles[i]
    const top = this.element.getBoundingClientRect().top
    for (const set of sets) {
      if (set === this) set.show(i)
      else if (set.titles.includes(title)) set.show(set.titles.indexOf(title))
    }
    // Other sets above may have become longer: what is looked at stays.
    const pane = this.element.closest('.pane') ?? document.scrollingElement
    pane?.scrollBy({ top: this.element.getBoundingClientRect().top - top, behavior: 'instant' })
    remember(key, JSON.stringify([title, ...chosen().filter((t) => t !== title)].slice(0, most)))
  }

  private show(chosen: number): void {
    this.tabs.forEach((tab, i) => {
      tab.setAttribute('aria-selected', String(i === chosen))
      tab.tabIndex = i === chosen ? 0 : -1
      this.pages[i].hidden = i !== chosen
    })
  }

  // reveal shows the tab that holds what a link leads to.
  private reveal(hash = location.hash): void {
    const target = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)))
    const i = target ? this.pages.findIndex((page) => page.contains(target)) : -1
    if (i >= 0 && this.pages[i].hidden) this.show(i)
  }
}
