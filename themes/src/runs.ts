// Commands of the tutorial, with buttons that type or copy them.
import { announce, copyText, inside } from './page'

export class Runs {
  constructor(private readonly type: (guest: string, command: string) => boolean) {}

  // attach brings the buttons below root to life.
  attach(root: ParentNode): void {
    for (const run of root.querySelectorAll<HTMLElement>('.run')) this.one(run)
  }

  private one(run: HTMLElement): void {
    const command = (inside(run, 'code').textContent ?? '').replace(/\n+$/, '')
    inside(run, '.run-type').addEventListener('click', () => {
      const typed = this.type(run.dataset.guest ?? '', command)
      announce(typed ? 'Typed into the terminal.' : 'The terminal is not ready yet.')
      this.flash(inside(run, '.run-type'), typed ? 'Typed' : 'Not ready yet')
    })
    inside(run, '.run-copy').addEventListener('click', async () => {
      const copied = await copyText(command)
      announce(copied ? 'Copied.' : 'Could not copy.')
      this.flash(inside(run, '.run-copy'), copied ? 'Copied' : 'Could not copy')
    })
  }

  // flash shows what happened on the button itself for a moment.
  private flash(button: HTMLElement, words: string): void {
    const label = inside(button, 'span')
    const before = button.dataset.label ?? label.textContent ?? ''
    button.dataset.label = before
    label.textContent = words
    clearTimeout(Number(button.dataset.timer))
    button.dataset.timer = String(setTimeout(() => (label.textContent = before), 1500))
  }
}
