// What entering a step does to the machine: the server is told, and what it
// says stands quietly at the step.
import { API, Guest, Setup } from './api'
import { announce, part } from './page'
import { t } from './words'

const words = {
  running: t('Preparing your machine for this step…'),
  done: t('Your machine is prepared for this step.'),
  failed: t('Your machine could not be prepared. That is not your fault, and will not cost you points.'),
}

const fresh = (guest: Guest) => guest.state === 'starting' || guest.state === 'resetting'

export class Setups {
  private step = ''
  private told = '' // what the server was told of last: a step and a machine
  private guest: Guest | null = null

  constructor(private readonly api: API) {}

  // enter is called once for each visit of a step.
  enter(step: string): void {
    this.step = step
    this.told = ''
    this.tell()
  }

  // follow tells a fresh machine where its student is.
  follow(guest: Guest): void {
    // What is being made anew has no trouble yet.
    if (this.guest && !fresh(this.guest) && fresh(guest)) part('trouble').hidden = true
    this.guest = guest
    this.tell()
  }

  show(setup: Setup): void {
    const place = setup.step === '' ? part('trouble') : document.getElementById(setup.step)?.querySelector<HTMLElement>('.step-setup')
    if (!place) return
    const before = place.dataset.state
    // The guest bar says that the machine is being prepared, or ready.
    const says = setup.step === '' && setup.state !== 'failed' ? '' : setup.message || words[setup.state]
    place.dataset.state = setup.state
    place.hidden = says === ''
    if (place.textContent !== says) place.textContent = says
    if (setup.state === 'failed' && before !== 'failed') announce(says)
  }

  private tell(): void {
    if (this.step === '' || this.guest?.state !== 'ready') return
    const where = `${this.step} ${this.guest.generation}`
    if (where === this.told) return
    this.told = where
    // What fails is told again with the next visit; a page can do no more.
    this.api.post<unknown>(`/steps/${encodeURIComponent(this.step)}`).catch(() => {
      if (this.told === where) this.told = ''
    })
  }
}
