// Check buttons and what they said.
import { API, Attempt, Guest, drawUUID, inWords, isOff } from './api'
import { announce, button, inside, points, setIcon } from './page'
import { elapsedWords, showTimes } from './times'
import { Outcome, verdicts } from './verdicts'
import { count, rich, t } from './words'

const words = {
  off: t('Your machine is off, so there is nothing to look at.'),
  notReady: t('Your machine is not ready yet. Try again in a moment.'),
  startIt: t('Start it'),
  couldNotTell: (why: string) => `${verdicts.unsure}. ${why}`,
  attempts: (n: number) => (n === 0 ? '' : count(n, '{n} attempt', '{n} attempts')),
  lastTried: (when: Node) => rich('last tried {when}', { when }),
  won: (won: number, of: number) => `${count(of, '{won} of {n} points', '{won} of {n} points', { won: points(won) })}.`,
  seen: (message: string) => t('Last seen: {message}', { message }),
}

// askAgain is the pause after which a result that has not come is asked for,
// in case its event was lost with a connection.
const askAgain = 20_000

function outcome(a: Attempt): Outcome {
  if (a.state === 'running') return 'running'
  if (a.verdict === 'fail' && a.won > 0) return 'part'
  return a.verdict ?? 'unsure'
}

export interface Machine {
  state(): Guest['state']
  start(): void
}

// Check is one widget.
export class Check {
  readonly id: string
  protected readonly button: HTMLButtonElement
  protected attempt: string | null
  private over = '' // the last attempt that ended
  private settled: [Outcome, string] // what was shown before it ran
  private since = 0
  private timer = 0

  constructor(
    readonly element: HTMLElement,
    protected readonly api: API,
    protected readonly machine: Machine,
    private readonly changed: () => void,
  ) {
    this.id = element.dataset.check!
    this.attempt = element.dataset.attempt ?? null
    this.button = inside<HTMLButtonElement>(element, '.check-button')
    const shown = element.dataset.state as Outcome
    this.settled = shown === 'running' ? ['idle', ''] : [shown, inside(element, '.check-message').textContent ?? '']
    this.listen()
    if (this.attempt) this.wait()
  }

  get running(): boolean {
    return this.attempt !== null
  }

  get passed(): boolean {
    return 'passed' in this.element.dataset
  }

  // path is where attempts are posted to, below the API.
  get path(): string {
    return `/checks/${encodeURIComponent(this.id)}`
  }

  protected listen(): void {
    this.button.addEventListener('click', () => this.press())
  }

  // press starts an attempt, unless one runs or there is nothing to look at.
  protected press(): void {
    if (this.attempt || !this.mayStart()) return
    this.attempt = drawUUID()
    this.draw('running', '')
    this.wait()
    void this.send()
  }

  protected mayStart(): boolean {
    const state = this.machine.state()
    if (state === 'ready') return true
    const off = isOff(state)
    this.say(off ? words.off : words.notReady, off)
    return false
  }

  // load is what is sent beside the attempt's id.
  protected load(): object {
    return {}
  }

  // say shows words below the verdict, and perhaps a way to start the machine.
  protected say(says: string, offerStart: boolean): void {
    const action = inside(this.element, '.check-action')
    inside(this.element, '.check-result').hidden = false
    action.replaceChildren(says)
    if (offerStart) action.append(' ', button(words.startIt, 'button small-button', () => this.machine.start()))
    action.hidden = false
    announce(says)
  }

  // machineReady takes back what say said of the machine.
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
      this.show(await this.api.post<Attempt>(this.path, { attempt: id, ...this.load() }))
    } catch (failure) {
      if (this.attempt !== id) return
      this.finish()
      this.refused(failure)
    }
  }

  protected refused(failure: unknown): void {
    this.draw('unsure', inWords(failure))
    announce(words.couldNotTell(inWords(failure)))
  }

  // connected is called when events flow again after a break.
  connected(): void {
    void this.send()
  }

  show(a: Attempt): void {
    if (a.auto) {
      this.seen(a)
      return
    }
    const o = outcome(a)
    if (o === 'running') {
      // The answer to the request may come after the event that ended it.
      if (a.id === this.over) return
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
    this.over = a.id
    this.finish()
    this.draw(o, a.message ?? '')
    this.count(a, o)
    inside(this.element, '.check-attempts').textContent = words.attempts(a.attempts)
    this.done(a)
    if (mine) this.tell(a, o)
    this.changed()
  }

  // done is for what comes with an attempt beyond its verdict.
  protected done(_a: Attempt): void {}

  // seen takes what the page itself had looked at, which is no attempt. Only
  // what wins points is shown as a verdict, and only a pass is said aloud.
  private seen(a: Attempt): void {
    const o = outcome(a)
    if (o === 'running') return
    const news = !this.passed
    const better = o === 'pass' || a.best > Number(this.element.dataset.won)
    if (better) {
      this.count(a, o)
      if (!this.attempt) {
        this.draw(o, a.message ?? '')
        if (o === 'pass' && news) this.tell(a, o)
      }
      this.changed()
    }
    const last = this.element.querySelector('.auto-seen')
    if (last && o !== 'unsure') last.textContent = a.message && !better ? words.seen(a.message) : ''
  }

  private count(a: Attempt, o: Outcome): void {
    this.element.dataset.won = String(a.best)
    this.element.dataset.points = String(a.points)
    if (o === 'pass') {
      this.element.dataset.passed = ''
      for (const auto of this.element.querySelectorAll<HTMLElement>('.check-auto')) auto.hidden = true
    }
    inside(this.element, '.check-won').textContent = points(a.best)
    const time = document.createElement('time')
    time.dateTime = a.at
    inside(this.element, '.check-when').replaceChildren(...words.lastTried(time))
    showTimes(this.element)
  }

  private tell(a: Attempt, o: Outcome): void {
    const won = o === 'pass' || o === 'part' ? ` ${words.won(a.best, a.points)}` : ''
    announce(`${verdicts[o]}. ${a.message ?? ''}${won}`)
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

  // restore shows again what stood there before the attempt.
  protected restore(): void {
    this.draw(...this.settled)
  }

  private draw(o: Outcome, message: string): void {
    if (o !== 'running') this.settled = [o, message]
    this.element.dataset.state = o
    // aria-disabled keeps the focus on the button, unlike disabled.
    if (o === 'running') this.button.setAttribute('aria-disabled', 'true')
    else this.button.removeAttribute('aria-disabled')
    inside(this.element, '.check-result').hidden = o === 'idle'
    inside(this.element, '.check-action').hidden = true
    setIcon(inside(this.element, '.check-mark'), o)
    inside(this.element, '.check-verdict').textContent = verdicts[o]
    inside(this.element, '.check-message').textContent = message
  }
}
