// The navigation over the steps: which one is being read, which are done.
import { inside } from './page'
import { t } from './words'

const words = { done: t('done##step') }

// dwell is how long a step must be read before it counts as entered, in ms:
// who scrolls past it does not enter it.
const dwell = 1000

export class Steps {
  private links: HTMLAnchorElement[] = []

  private reading = '' // the step above all others on the screen; '' before the first
  private visited = ''
  private dwelling = 0
  private led = false // a link leads where the screen need not reach

  // entered is called once for each visit of a step.
  constructor(
    private readonly pane: HTMLElement,
    private readonly entered: (step: string) => void,
  ) {
    inside(document, '.steps').addEventListener('click', (e) => {
      const link = (e.target as Element).closest<HTMLAnchorElement>('a[data-step]')
      if (link) this.follows(link.dataset.step!)
    })
    // Whoever uses something in a step is there, wherever the page stands.
    this.pane.addEventListener('focusin', (e) => {
      const step = (e.target as Element).closest('.step[id]')
      if (step) this.visit(step.id)
    })
    this.pane.addEventListener('scroll', () => this.follow(), { passive: true })
    // On a phone the whole page scrolls.
    addEventListener('scroll', () => this.follow(), { passive: true })
    this.renew()
  }

  // renew looks for links again.
  renew(): void {
    this.links = [...document.querySelectorAll<HTMLAnchorElement>('.steps a[data-step]')]
    this.follow()
  }

  // follow marks the last step that begins above the upper third.
  private follow(): void {
    const line = this.pane.getBoundingClientRect().top + Math.min(innerHeight, this.pane.clientHeight) / 3
    const atEnd = this.pane.scrollTop > 0 && this.pane.scrollTop + this.pane.clientHeight >= this.pane.scrollHeight - 2
    let current = this.links[0]
    let reading = ''
    for (const link of this.links) {
      const section = document.getElementById(link.dataset.step!)
      if (!section || (!atEnd && section.getBoundingClientRect().top > line)) continue
      current = link
      reading = section.id
    }
    this.read(reading)
    for (const link of this.links) {
      if (link === current && !link.hasAttribute('aria-current')) {
        link.setAttribute('aria-current', 'step')
        this.reveal(link)
      } else if (link !== current) link.removeAttribute('aria-current')
    }
  }

  private read(step: string): void {
    if (step === this.reading) return
    this.reading = step
    this.dwell()
  }

  private dwell(): void {
    clearTimeout(this.dwelling)
    this.dwelling = window.setTimeout(() => {
      if (!this.led && this.reading !== '') this.visit(this.reading)
      this.led = false
    }, dwell)
  }

  private follows(step: string): void {
    this.led = true
    this.visit(step)
    this.dwell()
  }

  private visit(step: string): void {
    if (step === this.visited) return
    this.visited = step
    this.entered(step)
  }

  // reveal scrolls the list of steps alone: scrollIntoView would move the page.
  private reveal(link: HTMLElement): void {
    const list = link.closest('ol')!
    list.scrollLeft = link.offsetLeft - list.clientWidth / 3
  }

  // score marks the steps whose checks have all points.
  score(): void {
    for (const link of this.links) {
      const checks = [...(document.getElementById(link.dataset.step!)?.querySelectorAll<HTMLElement>('.check') ?? [])]
      const done = checks.length > 0 && checks.every((c) => Number(c.dataset.won) >= Number(c.dataset.points))
      link.toggleAttribute('data-done', done)
      inside(link, '.step-state').textContent = done ? words.done : ''
    }
  }
}
