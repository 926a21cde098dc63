// The bar above the terminal: what the machine is doing, and its buttons.
import { API, Guest, Machine, inWords } from './api'
import { drawMachines, readMachines } from './machines'
import { announce, part } from './page'
import { elapsedWords } from './times'
import { t } from './words'

const titles: Record<Guest['state'], string> = {
  none: t('Your machine is off.'),
  starting: t('Booting your machine…'),
  ready: t('Ready.'),
  resetting: t('Resetting…'),
  stopping: t('Stopping…'),
  failed: t('Your machine failed.'),
}

const words = { start: t('Start'), again: t('Start again') }

const busy = (state: Guest['state']) => state === 'starting' || state === 'resetting' || state === 'stopping'

export class GuestBar {
  readonly element = part('guest')
  guest: Guest
  // enteredAt is when this page saw the state begin, by its own clock: the
  // server's may be set differently.
  private enteredAt: number
  private readonly buttons = {
    start: part<HTMLButtonElement>('guest-start'),
    reset: part<HTMLButtonElement>('guest-reset'),
    stop: part<HTMLButtonElement>('guest-stop'),
  }

  constructor(
    private readonly api: API,
    private readonly changed: (guest: Guest) => void,
  ) {
    const d = this.element.dataset
    this.guest = {
      state: (d.state || 'none') as Guest['state'],
      detail: d.detail ?? '',
      image: d.image,
      since: d.since ?? '',
      generation: Number(d.generation),
      machines: readMachines(),
    }
    this.enteredAt = Math.min(Date.now(), Date.parse(this.guest.since) || Date.now())
    this.buttons.start.addEventListener('click', () => this.start())
    this.buttons.stop.addEventListener('click', () => this.ask('stop', 'stopping'))
    this.buttons.reset.addEventListener('click', () => this.confirmReset())
    setInterval(() => this.tick(), 1000)
    this.draw()
  }

  start(): void {
    void this.ask('start', 'starting')
  }

  // show takes a state from the server.
  show(guest: Guest): void {
    const before = this.guest
    if (guest.state !== before.state) this.enteredAt = Date.now()
    this.guest = guest
    this.draw()
    if (guest.state !== before.state) announce([titles[guest.state], guest.detail].join(' '))
    this.changed(guest)
  }

  private confirmReset(): void {
    const dialog = part<HTMLDialogElement>('reset-dialog')
    dialog.returnValue = ''
    dialog.showModal()
    dialog.addEventListener(
      'close',
      () => {
        const one = dialog.querySelector<HTMLInputElement>('[name=guest]:checked')?.value
        if (dialog.returnValue === 'reset') void this.ask('reset', 'resetting', one)
      },
      { once: true },
    )
  }

  // ask shows the coming state at once: an answer may take a moment, and a
  // button that seems dead is pressed again.
  // One of several machines may be meant; without a name all are.
  private async ask(what: 'start' | 'reset' | 'stop', meanwhile: Guest['state'], one?: string): Promise<void> {
    const before = this.guest
    const machines = before.machines?.map((m): Machine => (one && m.name !== one ? m : { ...m, state: meanwhile, detail: '' }))
    this.show({ ...before, state: meanwhile, detail: '', machines })
    const shown = this.guest
    try {
      const guest = await this.api.post<Guest>(`/guest/${what}`, one ? { guest: one } : {})
      // An event may have come before the answer, and be newer.
      if (this.guest === shown) this.show(guest)
    } catch (failure) {
      if (this.guest === shown) this.show({ ...before, state: before.state === 'ready' ? 'ready' : 'failed', detail: inWords(failure) })
    }
  }

  private draw(): void {
    const { state, detail, image } = this.guest
    this.element.dataset.state = state
    this.element.dataset.generation = String(this.guest.generation)
    document.body.dataset.guest = state
    part('guest-state').textContent = titles[state]
    // An image may be named by its digest, which tells a student nothing.
    const name = state === 'ready' && image && image.length <= 40 ? image : ''
    part('guest-detail').textContent = detail || name
    drawMachines(this.guest)
    const focused = document.activeElement
    this.buttons.start.hidden = !(state === 'none' || state === 'failed')
    this.buttons.reset.hidden = !(state === 'ready' || state === 'failed')
    this.buttons.stop.hidden = state !== 'ready'
    this.buttons.start.querySelector('span')!.textContent = state === 'failed' ? words.again : words.start
    // A hidden button drops the focus to the page's top; keep it in the bar.
    if (focused instanceof HTMLElement && focused.hidden && this.element.contains(focused)) {
      this.element.tabIndex = -1
      this.element.focus()
    }
    this.tick()
  }

  private tick(): void {
    const waited = Date.now() - this.enteredAt
    part('guest-elapsed').textContent = busy(this.guest.state) && waited >= 1000 ? elapsedWords(waited) : ''
  }
}
