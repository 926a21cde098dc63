// The bar above the terminal: what the machine is doing, and its buttons.
import { API, Guest, Machine, inWords, isOff } from './api'
import { allowSound, ring } from './bell'
import { drawMachines, readMachines } from './machines'
import { announce, part } from './page'
import { clockWords, elapsedWords } from './times'
import { count, t } from './words'

const titles: Record<Guest['state'], string> = {
  none: t('Your machine is off.'),
  queued: t('You are in the queue.'),
  starting: t('Booting your machine…'),
  ready: t('Ready.'),
  resetting: t('Resetting…'),
  stopping: t('Stopping…'),
  failed: t('Your machine failed.'),
  suspended: t('Suspended.'),
}

const words = {
  start: t('Start'),
  again: t('Start again'),
  on: t('Go on##machine'),
  leave: t('Leave the queue'),
  place: (n: number) => t('You are number {n} in the queue.', { n }),
  wait: (n: number) => count(n, 'It will take about {n} minute. You can read on meanwhile.', 'It will take about {n} minutes. You can read on meanwhile.'),
  kept: (time: string) => t('It is your turn! Your machine is kept for you until {time}. Go on in it, or say that you are here.', { time }),
}

// standing says what the queue knows; empty for who is not in it.
function standing(guest: Guest): string {
  if (guest.state === 'queued' && guest.place) return [words.place(guest.place), guest.estimate ? words.wait(guest.estimate) : ''].filter(Boolean).join(' ')
  if (guest.state === 'ready' && guest.kept_until) return words.kept(clockWords(new Date(guest.kept_until)))
  return ''
}

const busy = (state: Guest['state']) => state === 'starting' || state === 'resetting' || state === 'stopping'

export class GuestBar {
  readonly element = part('guest')
  guest: Guest
  // enteredAt is when this page saw the state begin, by its own clock: the
  // server's may be set differently.
  private enteredAt: number
  private readonly stopWord = part('guest-stop').textContent!.trim() // as the template says it
  private queued = false // since the last machine
  private readonly buttons = {
    start: part<HTMLButtonElement>('guest-start'),
    reset: part<HTMLButtonElement>('guest-reset'),
    stop: part<HTMLButtonElement>('guest-stop'),
    here: part<HTMLButtonElement>('guest-here'),
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
    this.buttons.start.addEventListener('click', () => {
      allowSound()
      this.start()
    })
    this.buttons.here.addEventListener('click', () => void this.ask('stay', 'ready'))
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
    if (guest.state !== before.state) announce([titles[guest.state], standing(guest) || guest.detail].join(' '))
    if (guest.state === 'ready' && this.queued) ring()
    this.queued = guest.state === 'queued' || (this.queued && guest.state === 'starting')
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
        const what = dialog.returnValue
        if (what === 'reset' || what === 'broken') void this.ask(what, 'resetting', one)
      },
      { once: true },
    )
  }

  // ask shows the coming state at once: an answer may take a moment, and a
  // button that seems dead is pressed again.
  // One of several machines may be meant; without a name all are.
  private async ask(what: 'start' | 'reset' | 'broken' | 'stop' | 'stay', meanwhile: Guest['state'], one?: string): Promise<void> {
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
    part('guest-detail').textContent = standing(this.guest) || detail || name
    drawMachines(this.guest)
    const focused = document.activeElement
    this.buttons.start.hidden = !isOff(state)
    this.buttons.reset.hidden = !(state === 'ready' || state === 'failed')
    this.buttons.stop.hidden = !(state === 'ready' || state === 'queued')
    this.buttons.here.hidden = !(state === 'ready' && this.guest.kept_until)
    this.buttons.stop.querySelector('span')!.textContent = state === 'queued' ? words.leave : this.stopWord
    this.buttons.start.querySelector('span')!.textContent = state === 'failed' ? words.again : state === 'suspended' ? words.on : words.start
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
