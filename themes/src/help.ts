// Hints and solutions: closed until asked for, and fetched only then.
import { API, inWords } from './api'
import { announce, button, inside } from './page'
import { dress } from './prose'
import { Runs } from './runs'
import { count, t } from './words'

// closed says why a hint does not open; after is 0 where that is not known.
function closed(after: number): string {
  if (!after) return t('This hint opens later. Have a try first.')
  return count(after, 'This hint opens after {n} failed try. Have a try first.', 'This hint opens after {n} failed tries. Have a try first.')
}

abstract class Help {
  protected readonly body: HTMLElement
  private asked = false

  constructor(
    readonly element: HTMLDetailsElement,
    protected readonly api: API,
    private readonly runs: Runs,
  ) {
    this.body = inside(element, '.help-body')
    element.addEventListener('toggle', () => {
      if (element.open && !this.asked) this.opened()
    })
  }

  protected abstract opened(): void

  // fetch puts the text in its place. The server made its HTML from the
  // author's, sanitised.
  protected async fetch(path: string): Promise<boolean> {
    this.asked = true
    this.body.textContent = t('One moment…')
    try {
      const { html } = await this.api.post<{ html: string }>(path)
      this.body.innerHTML = html
      this.runs.attach(this.body)
      dress(this.body)
      announce(this.body.textContent ?? '')
      return true
    } catch (failure) {
      this.asked = false
      this.body.textContent = inWords(failure)
      announce(inWords(failure))
      return false
    }
  }
}

export class Hint extends Help {
  readonly id = this.element.dataset.hint!

  // due is called when enough attempts have failed.
  due(): void {
    this.element.dataset.due = ''
    const note = this.element.querySelector('.help-due')
    if (note) note.textContent = t('you may open it now')
    if (this.element.open) this.opened()
  }

  protected opened(): void {
    const cost = Number(this.element.dataset.cost)
    if ('opened' in this.element.dataset) return
    if (!('due' in this.element.dataset)) {
      this.body.textContent = closed(Number(this.element.dataset.after))
      return
    }
    if (cost === 0) {
      void this.reveal()
      return
    }
    this.body.replaceChildren(
      count(cost, 'It takes {n} point off what this task can give.', 'It takes {n} points off what this task can give.'),
      ' ',
      button(count(cost, 'Show it for {n} point', 'Show it for {n} points'), 'button small-button', () => void this.reveal()),
    )
  }

  private async reveal(): Promise<void> {
    if (!(await this.fetch(`/hints/${encodeURIComponent(this.id)}`))) return
    this.element.dataset.opened = ''
    inside(this.element, '.help-note').textContent = t('opened##hint')
    this.body.tabIndex = -1
    this.body.focus({ preventScroll: true })
  }
}

export class Solution extends Help {
  readonly check = this.element.dataset.solution!

  available(): void {
    this.element.hidden = false
  }

  protected opened(): void {
    void this.fetch(`/solutions/${encodeURIComponent(this.check)}`)
  }
}
