// Checks that look by themselves: while the page can be seen, the machine is
// ready and the student has done something lately. One at a time.
import { API, Attempt, Refused, drawUUID } from './api'
import { Check } from './checks'

const idleAfter = 120_000 // ms without a key or a pointer
const givenUpAfter = 60_000 // ms, for a result that does not come
const longestPause = 120_000 // ms
const beat = 500 // ms

// A refusal for another reason than these will not pass by itself.
const passing = (status: number) => status === 0 || status === 409 || status === 429 || status >= 500

interface Turn {
  check: Check
  every: number // ms
  due: number
  refusals: number
}

export class AutoChecks {
  private turns: Turn[] = []
  private watching = false
  private active = Date.now()
  private running: { turn: Turn; id: string; since: number } | null = null

  constructor(
    private readonly api: API,
    private readonly ready: () => boolean,
  ) {}

  // follow takes the page's checks, those that it follows already among them.
  follow(checks: Check[]): void {
    this.turns = this.turns.filter((turn) => checks.includes(turn.check))
    for (const check of checks) {
      const every = Number(check.element.dataset.auto)
      if (!(every > 0) || this.turns.some((turn) => turn.check === check)) continue
      const turn = { check, every, due: 0, refusals: 0 }
      this.plan(turn)
      this.turns.push(turn)
    }
    if (this.turns.length > 0) this.watch()
  }

  private watch(): void {
    if (this.watching) return
    this.watching = true
    for (const kind of ['keydown', 'pointerdown', 'pointermove', 'wheel']) {
      document.addEventListener(kind, () => (this.active = Date.now()), { capture: true, passive: true })
    }
    setInterval(() => this.look(), beat)
  }

  // show ends the run that a result belongs to.
  show(a: Attempt): void {
    if (a.state === 'done' && a.id === this.running?.id) this.end(0)
  }

  // connected is called after a break, in which a result may have been lost.
  connected(): void {
    if (this.running) this.end(0)
  }

  // plan sets when a check looks next. A class that starts together must not
  // ask together.
  private plan(turn: Turn, wait = 0): void {
    const pause = Math.min(longestPause, turn.every * 2 ** turn.refusals) * (0.8 + 0.4 * Math.random())
    turn.due = Date.now() + Math.max(pause, wait)
  }

  private look(): void {
    const now = Date.now()
    if (this.running && now - this.running.since > givenUpAfter) this.end(1)
    if (this.running || document.hidden || now - this.active > idleAfter || !this.ready()) return
    const due = this.turns.filter((t) => t.due <= now && !t.check.passed && !t.check.running)
    const next = due.sort((a, b) => a.due - b.due)[0]
    if (next) void this.run(next)
  }

  private async run(turn: Turn): Promise<void> {
    const id = drawUUID()
    this.running = { turn, id, since: Date.now() }
    try {
      const a = await this.api.post<Attempt>(turn.check.path, { attempt: id, auto: true })
      turn.refusals = 0
      if (a.state === 'done') turn.check.show(a)
      this.show(a)
    } catch (failure) {
      if (this.running?.id !== id) return
      const { status, wait } = failure instanceof Refused ? failure : { status: 0, wait: 0 }
      this.end(1, 1000 * wait)
      if (!passing(status)) this.turns.splice(this.turns.indexOf(turn), 1)
    }
  }

  private end(refusals: number, wait = 0): void {
    const turn = this.running!.turn
    this.running = null
    turn.refusals = refusals && turn.refusals + refusals
    this.plan(turn, wait)
  }
}
