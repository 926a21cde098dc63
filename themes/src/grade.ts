// A grade's way to the platform, as its student sees it and as the class's
// grid shows it. The words are those of templates/teach.html.
import { announce, points, setIcon } from './page'
import { showTimes } from './times'

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
  const where = g.platform || 'your course'
  if (g.state === 'none' || g.state === '') return [`Your grade goes to ${where} with your first check.`]
  const grade = Object.assign(document.createElement('strong'), { textContent: `${points(g.points)} / ${points(g.of)}` })
  const why = g.why ? `: ${ended(g.why)}` : '.'
  switch (g.state) {
    case 'sent':
      return ['Your grade ', grade, ` was sent to ${where}`, ...(g.sentAt ? [' ', time(g.sentAt)] : []), '.']
    case 'waiting':
      return ['Your grade ', grade, ` is waiting to be sent to ${where}${why}`, ...(g.nextTry ? [' Next try ', planned(g.nextTry), '.'] : []),
        ' It is kept here and cannot get lost.']
    case 'refused':
      return ['Your grade ', grade, ` could not be entered in ${where}${why} It is kept here, and your teacher can see this.`]
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
  const words = Object.assign(document.createElement('span'), { className: 'grade-says' })
  words.append(...says(g))
  const notes = [g.late, g.excused, g.override].filter((n) => n !== undefined && n !== '')
  line.replaceChildren(mark, ' ', words, ...notes.flatMap((n) => [' ', Object.assign(document.createElement('span'), { className: 'grade-note', textContent: n })]))
  showTimes(line)
  const lamp = document.getElementById('grade-lamp')
  if (lamp) {
    lamp.dataset.state = colours[g.state]
    setIcon(lamp, icons[g.state])
    const state = g.state === 'none' || g.state === '' ? 'No grade yet' : `Grade ${g.state}`
    lamp.querySelector('span')!.textContent = state
    lamp.title = `${state}: its way to ${g.platform || 'your course'}`
  }
  // Each sent grade would be too much to hear; trouble is not.
  if (before !== line.dataset.state && (g.state === 'waiting' || g.state === 'refused')) announce(words.textContent ?? '')
}

// chips shows it in little.
export function chips(g: Grade): HTMLElement[] {
  const chip = (words: string, title: string) => {
    const el = document.createElement('span')
    el.className = 'chip'
    el.title = title
    el.textContent = words
    return el
  }
  const all: HTMLElement[] = []
  if (g.state) {
    const way = chip('', g.state === 'none' ? 'Nothing to send yet' : `${points(g.points)} of ${points(g.of)}${g.why ? `. ${g.why}` : ''}`)
    way.dataset.state = colours[g.state]
    way.append(icon(icons[g.state]), Object.assign(document.createElement('span'), { textContent: g.state === 'none' ? '–' : g.state }))
    all.push(way)
  }
  if (g.late) all.push(chip('late', g.late))
  if (g.excused) all.push(chip('excused', g.excused))
  if (g.override) all.push(chip('set by hand', g.override))
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
