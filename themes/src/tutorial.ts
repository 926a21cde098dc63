// The work place: joins the guest bar, the checks, the questions, the help, the
// terminals and the stream of events.
import { API, Attempt, Guest, Score, Setup, isOff, machineOf } from './api'
import { AutoChecks } from './auto'
import { Check } from './checks'
import { GuestDesktop } from './desktop'
import { desktopTools } from './desktoptools'
import { listen } from './events'
import { FileBlock } from './files'
import { Grade, showGrade } from './grade'
import { GuestBar } from './guest'
import { Hint, Solution } from './help'
import { button, part, points } from './page'
import { machineTabs, paneSwitch, showPane, splitter } from './panes'
import { NoticeEvent, Notices } from './notices'
import { obeyPolicy } from './policy'
import { dress } from './prose'
import { Question } from './questions'
import { Runs } from './runs'
import { fontLoaded } from './screen'
import { courseSaved, heed, pageGrew, signal } from './signals'
import { Setups } from './setups'
import { Steps } from './steps'
import { GuestTerminal } from './terminal'
import { showTimes } from './times'
import { leaveAndReturn, terminalTools } from './tools'
import { Notice, View } from './view'
import { count, t } from './words'

declare global {
  interface Window {
    // For browser tests, and for whoever helps a student from afar.
    labmark?: { terminalText(guest?: string): string }
  }
}

const words = {
  start: t('Start the machine'),
  on: t('Go on##machine'),
  tryNow: t('Try now'),
  offline: t('The connection to the server is lost. Trying again… Your machine and your points are safe.'),
  noMachine: {
    none: t('This is where your machine will appear.'),
    failed: t('Your machine failed. Your points are safe.'),
    resetting: t('You will have a fresh machine in a moment. Your points stay.'),
    stopping: t('Your machine is being switched off.'),
    suspended: t('Your machine is suspended. Your programs are where you left them.'),
    queued: t('Your machine will appear here when it is your turn. You can read on meanwhile.'),
    starting: t('Your machine is booting. You can read on meanwhile.'),
    ready: '',
  } satisfies Record<Guest['state'], string>,
  score: (won: number, of: number) => count(of, '{won} of {n} points', '{won} of {n} points', { won: points(won) }),
}

interface TutorialEvents {
  guest: Guest
  attempt: Attempt
  score: Score
  hint: { id: string; due: boolean }
  solution: { check: string }
  grade: Grade
  setup: Setup
  notice: NoticeEvent
  course: unknown // of a preview only: see author.ts
}

// The panels of the machine's tabs, by their ids.
const desktopPanel = 'desktop-view'
const terminalPanel = (guest: string) => `terminal-${guest}`

obeyPolicy()
void start()

async function start(): Promise<void> {
  const api = new API(part('main').dataset.api!)
  splitter()
  paneSwitch()
  const setups = new Setups(api)
  const steps = new Steps(part('tutorial'), (step) => setups.enter(step))

  const terminals = new Map<string, GuestTerminal>()
  const views = new Map<string, View>() // by their panels' ids
  let shown = ''
  const select = machineTabs((panel) => {
    shown = panel
    for (const e of all('[data-only]')) e.hidden = e.dataset.only !== (panel === desktopPanel ? 'desktop' : 'terminal')
    drawNotice()
    views.get(panel)?.shown()
  })

  // What stands over the view: first of all that there is no machine.
  const losses = new Map<string, { words: string; again?: () => void }>()
  const noticeOf = (panel: string): Notice => (words, again) => {
    losses.set(panel, { words, again })
    drawNotice()
  }
  const drawNotice = () => {
    const place = part('terminal-notice')
    const loss = losses.get(shown)
    const guest = machineOf(bar.guest, guestOf(shown))
    const off = guest.state !== 'ready'
    const says = off ? noMachine(guest) : (loss?.words ?? '')
    place.hidden = says === ''
    place.classList.toggle('covers', off)
    // Rewriting the same words would make screen readers repeat them.
    if (place.dataset.words === says) return
    place.dataset.words = says
    place.replaceChildren(Object.assign(document.createElement('p'), { textContent: says }))
    if (off && isOff(guest.state)) {
      place.append(button(guest.state === 'suspended' ? words.on : words.start, 'button primary', () => bar.start()))
    } else if (!off && loss?.again) place.append(button(words.tryNow, 'button small-button', loss.again))
  }

  const bar: GuestBar = new GuestBar(api, (guest) => {
    for (const view of views.values()) view.follow(guest)
    if (guest.state === 'ready') for (const check of checks) check.machineReady()
    setups.follow(guest)
    drawNotice()
  })

  const type = (guest: string, command: string) => {
    const name = guest || [...terminals.keys()][0] || ''
    const terminal = terminals.get(name)
    if (!terminal || machineOf(bar.guest, name).state !== 'ready') return false
    select(terminalPanel(name))
    showPane('machine')
    return terminal.type(command)
  }
  const screens = all('.screen')
  const runs = new Runs(type, screens.length > 1)
  runs.attach(document)
  dress(document)

  const machine = { state: () => bar.guest.state, start: () => bar.start() }
  const grow = (root: HTMLElement) => {
    runs.attach(root)
    dress(root)
  }
  const scored = () => steps.score()
  const checks: Check[] = []
  const hints: Hint[] = []
  const solutions: Solution[] = []
  const auto = new AutoChecks(api, () => bar.guest.state === 'ready')
  const alive = new WeakSet<Element>()
  const dead = <E extends HTMLElement = HTMLElement>(selector: string, root: ParentNode) =>
    [...root.querySelectorAll<E>(selector)].filter((e) => !alive.has(e) && alive.add(e))
  const widgets = (root: ParentNode) => {
    for (const e of dead('.check', root)) checks.push(e instanceof HTMLFormElement ? new Question(e, api, machine, scored, grow) : new Check(e, api, machine, scored))
    for (const e of dead('.file', root)) {
      const where = { state: () => machineOf(bar.guest, e.dataset.guest!).state, start: () => bar.start() }
      new FileBlock(e, api, where, screens.length > 1)
    }
    for (const e of dead<HTMLDetailsElement>('details.hint', root)) hints.push(new Hint(e, api, runs))
    for (const e of dead<HTMLDetailsElement>('details.solution', root)) solutions.push(new Solution(e, api, runs))
    auto.follow(checks)
  }
  widgets(document)
  // A preview changes its text while it is being read.
  heed<HTMLElement[]>(pageGrew, (fresh) => {
    forget(checks)
    forget(hints)
    forget(solutions)
    for (const home of new Set(fresh.map((e) => e.parentElement!))) {
      grow(home)
      widgets(home)
    }
    steps.renew()
    steps.score()
  })

  const notices = new Notices(api, (guest) => bar.show(guest))
  let broken = false
  listen<TutorialEvents>(`${api.base}/events`, {
    guest: (guest) => bar.show(guest),
    attempt: (attempt) => {
      checks.find((c) => c.id === attempt.check)?.show(attempt)
      auto.show(attempt)
    },
    score: showScore,
    hint: ({ id, due }) => due && hints.find((h) => h.id === id)?.due(),
    solution: ({ check }) => solutions.find((s) => s.check === check)?.available(),
    grade: showGrade,
    setup: (setup) => setups.show(setup),
    notice: (notice) => notices.show(notice),
    course: (saved) => signal(courseSaved, saved),
  }, {
    connected: () => {
      if (broken) for (const each of [...checks, auto]) each.connected()
      broken = false
      offline('')
    },
    lost: () => {
      broken = true
      offline(words.offline)
    },
  })

  // A student who opens a tutorial came to work.
  if (bar.guest.state === 'none' || bar.guest.state === 'suspended') bar.start()
  setups.follow(bar.guest)
  drawNotice()
  setInterval(() => showTimes(part('tutorial')), 30_000)

  const place = document.getElementById('desktop-place')
  if (place) {
    const field = part<HTMLTextAreaElement>('clipboard-field')
    const desktop = new GuestDesktop(place.dataset.guest!, place, field, api, place.dataset.novnc!, noticeOf(desktopPanel))
    views.set(desktopPanel, desktop)
    desktopTools(desktop)
    desktop.follow(bar.guest)
  }

  await fontLoaded()
  for (const place of screens) {
    const terminal = new GuestTerminal(place.dataset.guest!, place, api, noticeOf(place.id))
    terminals.set(terminal.guest, terminal)
    views.set(place.id, terminal)
    shown ||= place.id
    terminal.follow(bar.guest)
  }
  views.get(shown)?.shown()
  terminalTools([...terminals.values()])
  leaveAndReturn(() => views.get(shown))
  const named = (guest?: string) => (guest ? terminals.get(guest) : views.get(shown))
  window.labmark = {
    terminalText: (guest) => {
      const terminal = named(guest)
      return terminal instanceof GuestTerminal ? terminal.screen.text() : ''
    },
  }
}

function all<E extends HTMLElement = HTMLElement>(selector: string): E[] {
  return [...document.querySelectorAll<E>(selector)]
}

// forget drops widgets whose elements have left the page.
function forget(widgets: { element: HTMLElement }[]): void {
  for (let i = widgets.length - 1; i >= 0; i--) if (!widgets[i]!.element.isConnected) widgets.splice(i, 1)
}

// guestOf is whose panel of the machine's tabs is meant.
function guestOf(panel: string): string {
  const place = document.getElementById(panel)
  return place?.dataset.guest ?? place?.querySelector<HTMLElement>('[data-guest]')?.dataset.guest ?? ''
}

function noMachine(guest: Pick<Guest, 'state' | 'detail'>): string {
  return (guest.state === 'failed' && guest.detail) || words.noMachine[guest.state]
}

function showScore(score: Score): void {
  part('score-points').textContent = points(score.points)
  part('score-of').textContent = points(score.of)
  const bar = document.querySelector<HTMLProgressElement>('#score progress')!
  bar.max = score.of || 1
  bar.value = score.points
  bar.classList.toggle('full', score.of > 0 && score.points >= score.of)
  bar.setAttribute('aria-label', words.score(score.points, score.of))
}

let offlineTimer = 0

// offline shows the banner, but not for a break of a blink.
function offline(words: string): void {
  clearTimeout(offlineTimer)
  const banner = part('offline')
  if (words === '') {
    banner.hidden = true
    return
  }
  offlineTimer = window.setTimeout(() => {
    banner.textContent = words
    banner.hidden = false
  }, 1500)
}
