// Commands of the tutorial, with buttons that type or copy them.
import { announce, copyText, flash, inside } from './page'

const words = {
  into: (guest: string) => `Type it into ${guest}`,
  typed: 'Typed into the terminal.',
  typedShort: 'Typed',
  notReady: 'The terminal is not ready yet.',
  notReadyShort: 'Not ready yet',
  copied: 'Copied',
  notCopied: 'Could not copy',
}

export class Runs {
  private readonly attached = new WeakSet<Element>()

  // several says that the student has more than one machine.
  constructor(
    private readonly type: (guest: string, command: string) => boolean,
    private readonly several: boolean,
  ) {}

  // attach brings the buttons below root to life.
  attach(root: ParentNode): void {
    for (const run of root.querySelectorAll<HTMLElement>('.run')) this.one(run)
  }

  private one(run: HTMLElement): void {
    if (this.attached.has(run)) return
    this.attached.add(run)
    const command = (inside(run, 'code').textContent ?? '').replace(/\n+$/, '')
    if (this.several && run.dataset.guest) inside(run, '.run-type span').textContent = words.into(run.dataset.guest)
    inside(run, '.run-type').addEventListener('click', () => {
      const typed = this.type(run.dataset.guest ?? '', command)
      announce(typed ? words.typed : words.notReady)
      flash(inside(run, '.run-type'), typed ? words.typedShort : words.notReadyShort)
    })
    inside(run, '.run-copy').addEventListener('click', async () => {
      const copied = await copyText(command)
      announce(copied ? words.copied : words.notCopied)
      flash(inside(run, '.run-copy'), copied ? words.copied : words.notCopied)
    })
  }
}
