// Files of the tutorial, with buttons that write them into the machine or copy
// them.
import { API, inWords, isOff } from './api'
import { Machine } from './checks'
import { announce, button, copyText, flash, inside } from './page'
import { t } from './words'

const words = {
  into: (guest: string) => t('Write it into {guest}', { guest }),
  writing: t('Writing…'),
  written: (path: string, guest: string) => (guest ? t('Written to {path} in {guest}.', { path, guest }) : t('Written to {path}.', { path })),
  off: t('Your machine is off, so there is nowhere to write it.'),
  notReady: t('Your machine is not ready yet. Try again in a moment.'),
  startIt: t('Start it'),
  copied: t('Copied'),
  notCopied: t('Could not copy'),
}

export class FileBlock {
  private readonly button: HTMLButtonElement
  private busy = false

  // several says that the student has more than one machine.
  constructor(
    private readonly element: HTMLElement,
    private readonly api: API,
    private readonly machine: Machine,
    private readonly several: boolean,
  ) {
    this.button = inside<HTMLButtonElement>(element, '.file-write')
    this.button.disabled = false
    if (several) inside(this.button, 'span').textContent = words.into(element.dataset.guest!)
    this.button.addEventListener('click', () => void this.write())
    const copy = inside(element, '.file-copy')
    copy.addEventListener('click', async () => {
      const copied = await copyText(inside(element, 'pre code').textContent ?? '')
      announce(copied ? words.copied : words.notCopied)
      flash(copy, copied ? words.copied : words.notCopied)
    })
  }

  private async write(): Promise<void> {
    if (this.busy) return
    const state = this.machine.state()
    if (state !== 'ready') {
      const off = isOff(state)
      this.say('fail', off ? words.off : words.notReady)
      if (off) inside(this.element, '.file-said').append(' ', button(words.startIt, 'button small-button', () => this.machine.start()))
      return
    }
    this.busy = true
    this.button.setAttribute('aria-disabled', 'true')
    this.say('running', words.writing)
    try {
      const { path } = await this.api.post<{ path: string }>(`/files/${encodeURIComponent(this.element.dataset.file!)}`)
      this.say('pass', words.written(path, this.several ? (this.element.dataset.guest ?? '') : ''))
    } catch (failure) {
      this.say('fail', inWords(failure))
    }
    this.busy = false
    this.button.removeAttribute('aria-disabled')
  }

  private say(state: 'running' | 'pass' | 'fail', says: string): void {
    const place = inside(this.element, '.file-said')
    place.dataset.state = state
    place.textContent = says
    place.hidden = false
    if (state !== 'running') announce(says)
  }
}
