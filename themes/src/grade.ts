// A grade's way to the platform, as its student sees it and as the class's
// grid shows it. The words are those of templates/teach.html.
import { announce, points, setIcon } from './page'
import { showTimes } from './times'
import { rich, t } from './words'

export interface Grade {
  state: '' | 'none' | 'waiting' | 'sent' | 'refused'
  points: number
  of: number
  platform?: string
  sentAt?: string
  why?: string
  nextTry?: string
  late?: string
  excused?: string
  override?: string
}

const colours = { '': 'idle', none: 'idle', waiting: 'part', sent: 'pass', refused: 'fail' } as const
const icons = { '': 'idle', none: 'idle', waiting: 'wait', sent: 'check', refused: 'fail' } as const

const words = {
  somewhere: t('your course'),
  lamp: {
    '': t('No grade yet'),
    none: t('No grade yet'),
    waiting: t('Grade waiting'),
    sent: t('Grade sent'),
    refused: t('Grade refused'),
  } satisfies Record<Grade['state'], string>,
  chip: {
    none: '–',
    waiting: t('waiting##grade'),
    sent: t('sent##grade'),
    refused: t('refused##grade'),
  },
}

function time(at: string): HTMLTimeElement {
  const t = document.createElement('time')
  t.dateTime = at
  return t
}

function planned(at: string): HTMLTimeElement {
  const t = time(at)
  t.dataset.planned = ''
  return t
}

// ended says what themes/functions_text.go says.
function ended(s: string): string {
  return /[.!?…]$/.test(s.trim()) ? s.trim() : `${s.trim()}.`
}

function says(g: Grade): (string | Node)[] {
  const where = g.platform || words.somewhere
  if (g.state === 'none' || g.state === '') return rich('Your grade goes to {where} with your first check.', { where })
  const grade = Object.assign(document.createElement('strong'), { textContent: `${points(g.points)} / ${points(g.of)}` })
  const why = g.why ? ended(g.why) : ''
  switch (g.state) {
    case 'sent':
      if (!g.sentAt) return rich('Your grade {grade} was sent to {where}.', { grade, where })
      return rich('Your grade {grade} was sent to {where} {when}.', { grade, where, when: time(g.sentAt) })
    case 'waiting':
      return [
        ...(why
          ? rich('Your grade {grade} is waiting to be sent to {where}: {why}', { grade, where, why })
          : rich('Your grade {grade} is waiting to be sent to {where}.', { grade, where })),
        ...(g.nextTry ? [' ', ...rich('Next try {when}.', { when: planned(g.nextTry) })] : []),
        ' ',
        t('It is kept here and cannot get lost.'),
      ]
    case 'refused':
      return [
        ...(why
          ? rich('Your grade {grade} could not be entered in {where}: {why}', { grade, where, why })
          : rich('Your grade {grade} could not be entered in {where}.', { grade, where })),
        ' ',
        t('It is kept here, and your teacher can see this.'),
      ]
  }
}

// showGrade draws it anew in a tutorial's page.
export function showGrade(g: Grade): void {
  const place = document.getElementById('grade')
  if (!place) return
  let line = place.querySelector<HTMLElement>('.grade')
  if (!line) {
    line = document.createElement('p')
    line.className = 'grade'
    place.replaceChildren(line)
  }
  const before = line.dataset.state
  line.dataset.state = colours[g.state]
  const mark = Object.assign(document.createElement('span'), { className: 'grade-mark' })
  mark.append(icon(icons[g.state]))
  const saying = Object.assign(document.createElement('span'), { className: 'grade-says' })
  saying.append(...says(g))
  const notes = [g.late, g.excused, g.override].filter((n) => n !== undefined && n !== '')
  line.replaceChildren(mark, ' ', saying, ...notes.flatMap((n) => [' ', Object.assign(document.createElement('span'), { className: 'grade-note', textContent: n })]))
  showTimes(line)
  const lamp = document.getElementById('grade-lamp')
  if (lamp) {
    lamp.dataset.state = colours[g.state]
    setIcon(lamp, icons[g.state])
    const state = words.lamp[g.state]
    lamp.querySelector('span')!.textContent = state
    lamp.title = t('{state}: its way to {where}', { state, where: g.platform || words.somewhere })
  }
  // Each sent grade would be too much to hear; trouble is not.
  if (before !== line.dataset.state && (g.state === 'waiting' || g.state === 'refused')) announce(saying.textContent ?? '')
}

// chips shows it in little.
export function chips(g: Grade): HTMLElement[] {
  const chip = (says: string, title: string) => {
    const el = document.createElement('span')
    el.className = 'chip'
    el.title = title
    el.textContent = says
    return el
  }
  const all: HTMLElement[] = []
  if (g.state) {
    const way = chip('', g.state === 'none' ? t('Nothing to send yet') : [t('{won} of {n}', { won: points(g.points), n: points(g.of) }), g.why].filter(Boolean).join('. '))
    way.dataset.state = colours[g.state]
    way.append(icon(icons[g.state]), Object.assign(document.createElement('span'), { textContent: words.chip[g.state] }))
    all.push(way)
  }
  if (g.late) all.push(chip(t('late'), g.late))
  if (g.excused) all.push(chip(t('excused'), g.excused))
  if (g.override) all.push(chip(t('set by hand'), g.override))
  return all
}

function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('class', 'icon')
  svg.setAttribute('aria-hidden', 'true')
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use')
  use.setAttribute('href', `#i-${name}`)
  svg.append(use)
  return svg
}
