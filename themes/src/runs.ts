// Commands of the tutorial, with buttons that type or copy them.
import { announce, copyText, flash, inside } from './page'
import { t } from './words'

const words = {
  into: (guest: string) => t('Type it into {guest}', { guest }),
  typed: t('Typed into the terminal.'),
  typedShort: t('Typed'),
  notReady: t('The terminal is not ready yet.'),
  notReadyShort: t('Not ready yet'),
  copied: t('Copied'),
  notCopied: t('Could not copy'),
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
