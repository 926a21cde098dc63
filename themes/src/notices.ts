// Notices: what a student should know now, in a stack over the page.
import { API, Guest, inWords } from './api'
import { announce, button } from './page'
import { elapsedWords } from './times'
import { t } from './words'

export interface NoticeEvent {
  id: string
  kind: 'closing' | 'replaced'
  text: string
  left?: number // seconds, when it was sent
  action?: 'stay' | ''
  gone?: boolean
}

const words = {
  list: t('Notices'),
  dismiss: t('Dismiss'),
  stay: t('Keep using my machine'),
  left: (time: string) => t('{time} left', { time }),
}

interface Shown {
  element: HTMLElement
  left: HTMLElement
  until: number // by this page's clock; 0 for none
}

export class Notices {
  private readonly stack = document.createElement('section')
  private readonly shown = new Map<string, Shown>()
  private readonly title = document.title

  constructor(
    private readonly api: API,
    private readonly changed: (guest: Guest) => void,
  ) {
    this.stack.className = 'notices'
    this.stack.setAttribute('aria-label', words.list)
    this.stack.hidden = true
    document.body.append(this.stack)
    setInterval(() => this.tick(), 1000)
  }

  // show takes a notice from the server, which sends it again to a page that
  // connects again.
  show(n: NoticeEvent): void {
    if (n.gone) return this.drop(n.id)
    const until = n.left ? Date.now() + n.left * 1000 : 0
    const known = this.shown.get(n.id)
    if (known) known.until = until
    else this.add(n, until)
    this.tick()
  }

  private add(n: NoticeEvent, until: number): void {
    const element = document.createElement('article')
    element.className = 'notice'
    element.dataset.notice = n.id
    element.dataset.kind = n.kind
    const left = Object.assign(document.createElement('span'), { className: 'notice-left' })
    const text = Object.assign(document.createElement('p'), { textContent: n.text })
    const actions = Object.assign(document.createElement('div'), { className: 'notice-actions' })
    if (n.action === 'stay') actions.append(button(words.stay, 'button primary small-button', () => void this.stay(n.id, text)))
    actions.append(button(words.dismiss, 'button small-button', () => this.put(n.id)), left)
    element.append(text, actions)
    this.stack.append(element)
    this.shown.set(n.id, { element, left, until })
    // The guest bar tells of a machine that has been replaced.
    if (n.kind !== 'replaced') announce(n.text)
  }

  // put puts a notice away that still holds: the title goes on to tell of it.
  private put(id: string): void {
    const shown = this.shown.get(id)
    if (!shown) return
    shown.element.hidden = true
    if (!shown.until) this.drop(id)
    this.tick()
  }

  private drop(id: string): void {
    this.shown.get(id)?.element.remove()
    this.shown.delete(id)
    this.tick()
  }

  private async stay(id: string, text: HTMLElement): Promise<void> {
    try {
      this.changed(await this.api.post<Guest>('/guest/stay'))
      this.drop(id)
    } catch (failure) {
      text.textContent = inWords(failure)
      announce(text.textContent)
    }
  }

  private tick(): void {
    let first = Infinity
    for (const { left, until } of this.shown.values()) {
      if (!until) continue
      first = Math.min(first, until)
      left.textContent = words.left(elapsedWords(until - Date.now()))
    }
    this.stack.hidden = ![...this.shown.values()].some((s) => !s.element.hidden)
    document.title = first < Infinity ? `(${elapsedWords(first - Date.now())}) ${this.title}` : this.title
  }
}
