// The navigation over the steps: which one is being read, which are done.
import { inside } from './page'

export class Steps {
  private readonly links = [...document.querySelectorAll<HTMLAnchorElement>('.steps a[data-step]')]

  constructor(private readonly pane: HTMLElement) {
    this.pane.addEventListener('scroll', () => this.follow(), { passive: true })
    // On a phone the whole page scrolls.
    addEventListener('scroll', () => this.follow(), { passive: true })
    this.follow()
  }

  // follow marks the last step that begins above the upper third.
  private follow(): void {
    const line = this.pane.getBoundingClientRect().top + Math.min(innerHeight, this.pane.clientHeight) / 3
    const atEnd = this.pane.scrollTop > 0 && this.pane.scrollTop + this.pane.clientHeight >= this.pane.scrollHeight - 2
    let current = this.links[0]
    for (const link of this.links) {
      const section = document.getElementById(link.dataset.step!)
      if (section && (atEnd || section.getBoundingClientRect().top <= line)) current = link
    }
    for (const link of this.links) {
      if (link === current && !link.hasAttribute('aria-current')) {
        link.setAttribute('aria-current', 'step')
        this.reveal(link)
      } else if (link !== current) link.removeAttribute('aria-current')
    }
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
      inside(link, '.step-state').textContent = done ? 'done' : ''
    }
  }
}
