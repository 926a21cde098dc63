// Check buttons and what they said.
import { API, Attempt, Guest, drawUUID, inWords } from './api'
import { announce, button, inside, points, setIcon } from './page'
import { elapsedWords, showTimes } from './times'

type Outcome = 'idle' | 'running' | 'pass' | 'part' | 'fail' | 'unsure'

const words: Record<Outcome, string> = {
  idle: 'Not tried yet',
  running: 'Checking…',
  pass: 'Passed',
  part: 'Partly there',
  fail: 'Not yet',
  unsure: 'Could not tell',
}

// askAgain is the pause after which a result that has not come is asked for,
// in case its event was lost with a connection.
const askAgain = 20_000

function outcome(a: Attempt): Outcome {
  if (a.state === 'running') return 'running'
  if (a.verdict === 'fail' && a.won > 0) return 'part'
  return a.verdict ?? 'unsure'
}

// Check is one widget.
export class Check {
  readonly id: string
  private readonly button: HTMLButtonElement
  private attempt: string | null
  private since = 0
  private timer = 0

  constructor(
    readonly element: HTMLElement,
    private readonly api: API,
    private readonly machine: { state(): Guest['state']; start(): void },
    private readonly changed: () => void,
  ) {
    this.id = element.dataset.check!
    this.attempt = element.dataset.attempt ?? null
    this.button = inside<HTMLButtonElement>(element, '.check-button')
    this.button.addEventListener('click', () => this.press())
    if (this.attempt) this.wait()
  }

  get full(): boolean {
    return Number(this.element.dataset.won) >= Number(this.element.dataset.points)
  }

  // press starts an attempt, unless one runs or there is nothing to look at.
  private press(): void {
    if (this.attempt) return
    const state = this.machine.state()
    if (state !== 'ready') {
      this.needsMachine(state)
      return
    }
    this.attempt = drawUUID()
    this.draw('running', '')
    this.wait()
    void this.send()
  }

  private needsMachine(state: Guest['state']): void {
    const off = state === 'none' || state === 'failed'
    const says = off
      ? 'Your machine is off, so there is nothing to look at.'
      : 'Your machine is not ready yet. Try again in a moment.'
    const action = inside(this.element, '.check-action')
    inside(this.element, '.check-result').hidden = false
    action.replaceChildren(says)
    if (off) action.append(' ', button('Start it', 'button small-button', () => this.machine.start()))
    action.hidden = false
    announce(says)
  }

  // machineReady takes back what needsMachine said.
  machineReady(): void {
    const action = inside(this.element, '.check-action')
    if (action.hidden) return
    action.hidden = true
    if (this.element.dataset.state === 'idle') inside(this.element, '.check-result').hidden = true
  }

  // send tells the server of the attempt. The same id may be sent again:
  // that only asks how it went.
  private async send(): Promise<void> {
    const id = this.attempt
    if (!id) return
    try {
      this.show(await this.api.post<Attempt>(`/checks/${encodeURIComponent(this.id)}`, { attempt: id }))
    } catch (failure) {
      if (this.attempt !== id) return
      this.finish()
      this.draw('unsure', inWords(failure))
      announce(`Could not tell. ${inWords(failure)}`)
    }
  }

  // connected is called when events flow again after a break.
  connected(): void {
    void this.send()
  }

  show(a: Attempt): void {
    const o = outcome(a)
    if (o === 'running') {
      // Perhaps started in another window.
      if (this.attempt !== a.id) {
        this.attempt = a.id
        this.wait()
      }
      this.draw('running', '')
      return
    }
    // A late "done" of an earlier attempt must not end a newer one.
    if (this.attempt !== null && this.attempt !== a.id) return
    const mine = this.attempt === a.id
    this.finish()
    this.draw(o, a.message ?? '')
    this.element.dataset.won = String(a.best)
    this.element.dataset.points = String(a.points)
    inside(this.element, '.check-won').textContent = points(a.best)
    inside(this.element, '.check-attempts').textContent =
      a.attempts === 0 ? '' : a.attempts === 1 ? '1 attempt' : `${a.attempts} attempts`
    const time = document.createElement('time')
    time.dateTime = a.at
    inside(this.element, '.check-when').replaceChildren('last tried ', time)
    showTimes(this.element)
    if (mine) {
      const won = o === 'pass' || o === 'part' ? ` ${points(a.best)} of ${points(a.points)} points.` : ''
      announce(`${words[o]}. ${a.message ?? ''}${won}`)
    }
    this.changed()
  }

  private wait(): void {
    this.since = Date.now()
    clearInterval(this.timer)
    let asked = this.since
    this.timer = window.setInterval(() => {
      const waited = Date.now() - this.since
      if (waited > 2000) inside(this.element, '.check-message').textContent = elapsedWords(waited)
      if (Date.now() - asked > askAgain) {
        asked = Date.now()
        void this.send()
      }
    }, 1000)
  }

  private finish(): void {
    clearInterval(this.timer)
    this.attempt = null
  }

  private draw(o: Outcome, message: string): void {
    this.element.dataset.state = o
    // aria-disabled keeps the focus on the button, unlike disabled.
    if (o === 'running') this.button.setAttribute('aria-disabled', 'true')
    else this.button.removeAttribute('aria-disabled')
    inside(this.element, '.check-result').hidden = false
    inside(this.element, '.check-action').hidden = true
    setIcon(inside(this.element, '.check-mark'), o)
    inside(this.element, '.check-verdict').textContent = words[o]
    inside(this.element, '.check-message').textContent = message
  }
}
