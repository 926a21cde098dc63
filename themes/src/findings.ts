// What is wrong in the course, as a list at the bottom and at the blocks.
import { announce, copyText, part } from './page'
import { count, t } from './words'

// State mirrors preview.State of the server.
export interface State {
  revision: string
  stale: boolean
  findings: Finding[]
}

interface Finding {
  severity: 'error' | 'warning'
  place: string
  message: string
  mend?: string
  editor?: string
  tutorial?: string
  check?: string
}

const words = {
  good: t('Saved versions are shown at once.'),
  stale: t('The newest version has errors. This is the last good one.'),
  none: t('The course has errors, so there is nothing to show yet.'),
  found: (errors: number, warnings: number) =>
    [errors && count(errors, '{n} error', '{n} errors'), warnings && count(warnings, '{n} warning', '{n} warnings')].filter(Boolean).join(', '),
  copied: (place: string) => t('Copied: {place}', { place }),
  refused: t('The browser did not let this page copy.'),
}

export class Findings {
  private state: State | null = null
  private readonly list = part('author-findings')
  private readonly toggle = part<HTMLButtonElement>('author-toggle')
  private open = true

  // tutorial is the page's, empty on other pages.
  constructor(private readonly tutorial: string) {
    this.toggle.addEventListener('click', () => {
      this.open = !this.open
      this.draw()
    })
  }

  show(state: State): void {
    const before = this.state
    this.state = state
    this.list.replaceChildren(...state.findings.map((f) => this.entry(f)))
    document.body.toggleAttribute('data-stale', state.stale)
    const says = state.stale ? (state.revision ? words.stale : words.none) : words.good
    this.say(says)
    if (before && state.findings.length > before.findings.length) this.open = true
    this.draw()
    this.mark()
  }

  say(says: string): void {
    if (part('author-says').textContent !== says) part('author-says').textContent = says
  }

  // mark shows findings at the blocks that they are in.
  mark(): void {
    for (const old of document.querySelectorAll('.author-mark')) old.remove()
    for (const f of this.state?.findings ?? []) {
      if (!f.check || f.tutorial !== this.tutorial) continue
      const note = document.createElement('p')
      note.className = 'author-mark'
      note.dataset.severity = f.severity
      note.textContent = `${f.place} ${f.message}`
      document.getElementById(`check-${f.check}`)?.append(note)
    }
  }

  private draw(): void {
    const all = this.state?.findings ?? []
    const errors = all.filter((f) => f.severity === 'error').length
    this.toggle.hidden = all.length === 0
    this.toggle.textContent = words.found(errors, all.length - errors)
    this.toggle.setAttribute('aria-expanded', String(this.open))
    this.list.hidden = all.length === 0 || !this.open
  }

  private entry(f: Finding): HTMLElement {
    const entry = document.createElement('li')
    entry.dataset.severity = f.severity
    const place = f.editor ? this.link(f.place, f.editor) : this.copier(f.place)
    const message = document.createElement('span')
    message.textContent = ` ${f.message}`
    entry.append(place, message)
    if (f.mend) entry.append(Object.assign(document.createElement('span'), { className: 'author-mend', textContent: ` ${f.mend}` }))
    return entry
  }

  private link(place: string, editor: string): HTMLElement {
    return Object.assign(document.createElement('a'), { href: editor, textContent: place })
  }

  private copier(place: string): HTMLElement {
    const b = Object.assign(document.createElement('button'), { type: 'button', className: 'author-place', textContent: place, title: t('Copy') })
    b.addEventListener('click', () => {
      // Editors take FILE:LINE.
      const wanted = place.split(':').slice(0, 2).join(':')
      void copyText(wanted).then((done) => {
        this.say(done ? words.copied(wanted) : words.refused)
        announce(done ? words.copied(wanted) : words.refused)
      })
    })
    return b
  }
}
