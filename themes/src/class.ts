// The grid of a class, kept up to date by events.
import { listen } from './events'
import { chips, Grade } from './grade'
import { tools, tooltips, walk } from './grid'
import { part, points } from './page'
import { showTimes } from './times'
import { Outcome, verdicts } from './verdicts'
import { count, t } from './words'

interface Cell {
  state: Outcome
  won: number
  points: number
  attempts: number
  late?: boolean
  href?: string
  note?: string
}

interface Row {
  user: string
  name: string
  detail?: string
  href?: string
  points: number
  grade: Grade
  running: boolean
  lastSeen?: string
  cells?: Cell[]
}

interface ClassEvents {
  cell: { user: string; check: string; cell: Cell }
  row: Row
}

// cellWords says what themes/functions_class.go says.
function cellWords(c: Cell): string {
  if (c.state === 'idle') return verdicts.idle
  const holes = {
    verdict: verdicts[c.state],
    score: count(c.points, '{won} of {n} point', '{won} of {n} points', { won: points(c.won) }),
    attempts: count(c.attempts, '{n} attempt', '{n} attempts'),
  }
  return c.late ? t('{verdict}: {score}, {attempts}, late##cell', holes) : t('{verdict}: {score}, {attempts}##cell', holes)
}

// before is how many columns stand before the first check's.
const before = 3

export function grid(): void {
  const table = document.getElementById('grid') as HTMLTableElement | null
  if (!table) return
  const body = table.tBodies[0]!
  const rows = new Map([...body.rows].map((r) => [r.dataset.user!, r]))
  const columns = [...table.querySelectorAll<HTMLElement>('[data-check]')].map((th) => th.dataset.check!)
  const arrange = tools(table)
  walk(table)
  tooltips(table)
  if (!table.dataset.events) return

  const showCell = (row: HTMLTableRowElement, column: number, c: Cell) => {
    const td = row.cells[before + column]
    if (!td) return
    drawCell(td, c)
    sum(table, body, columns[column]!, column)
  }
  const showRow = (r: Row) => {
    let row = rows.get(r.user)
    if (!row) {
      row = newRow(r, columns.length)
      body.append(row)
      rows.set(r.user, row)
    }
    drawRow(row, r)
    r.cells?.forEach((c, i) => showCell(row, i, c))
    arrange()
  }
  const banner = part('offline')
  listen<ClassEvents>(
    table.dataset.events,
    {
      cell: ({ user, check, cell }) => {
        const row = rows.get(user)
        const column = columns.indexOf(check)
        if (row && column >= 0) showCell(row, column, cell)
      },
      row: showRow,
    },
    {
      connected: () => (banner.hidden = true),
      lost: () => {
        banner.textContent = t('The connection to the server is lost. Trying again… What you see may be old.')
        banner.hidden = false
      },
    },
  )
  setInterval(() => showTimes(body), 60_000)
}

function drawCell(td: HTMLTableCellElement, c: Cell): void {
  td.dataset.state = c.state
  td.toggleAttribute('data-late', c.late ?? false)
  td.toggleAttribute('data-note', Boolean(c.note))
  td.title = c.note ?? ''
  let link = td.querySelector('a')
  if (!c.href) {
    link?.remove()
    return
  }
  if (!link) {
    link = document.createElement('a')
    link.tabIndex = -1
    td.append(link)
  }
  link.href = c.href
  link.setAttribute('aria-label', cellWords(c))
  link.removeAttribute('title')
}

function newRow(r: Row, checks: number): HTMLTableRowElement {
  const row = document.createElement('tr')
  row.dataset.user = r.user
  const head = document.createElement('th')
  head.scope = 'row'
  head.className = 'grid-name'
  const lamp = Object.assign(document.createElement('span'), { className: 'lamp', title: t('The machine is running') })
  lamp.append(Object.assign(document.createElement('span'), { className: 'visually-hidden' }))
  head.append(lamp)
  row.append(head)
  for (const name of ['grid-num', 'grid-grade', ...Array<string>(checks).fill('cell'), 'grid-seen']) {
    const td = document.createElement('td')
    td.className = name
    if (name === 'cell') td.dataset.state = 'idle'
    row.append(td)
  }
  return row
}

function drawRow(row: HTMLTableRowElement, r: Row): void {
  row.dataset.name = r.name
  row.dataset.points = String(r.points)
  row.dataset.grade = r.grade.state
  row.toggleAttribute('data-running', r.running)
  row.toggleAttribute('data-late', Boolean(r.grade.late))
  if (r.lastSeen) row.dataset.seen = r.lastSeen
  const head = row.cells[0]!
  head.querySelector('.lamp span')!.textContent = r.running ? t('machine running') : ''
  const name = document.createElement(r.href ? 'a' : 'span')
  if (r.href) (name as HTMLAnchorElement).href = r.href
  name.textContent = r.name
  const detail = Object.assign(document.createElement('span'), { className: 'small', textContent: r.detail ?? '' })
  head.replaceChildren(head.firstElementChild!, name, ' ', detail)
  row.cells[1]!.textContent = r.href ? points(r.points) : '–'
  row.cells[2]!.replaceChildren(...chips(r.grade))
  const seen = row.cells[row.cells.length - 1]!
  if (r.lastSeen) {
    seen.replaceChildren(Object.assign(document.createElement('time'), { dateTime: r.lastSeen }))
    showTimes(seen)
  } else seen.textContent = t('never')
}

// sum counts one column anew.
function sum(table: HTMLTableElement, body: HTMLTableSectionElement, check: string, column: number): void {
  let passed = 0
  let tried = 0
  for (const row of body.rows) {
    const state = row.cells[before + column]?.dataset.state
    if (state === 'idle' || state === undefined) continue
    tried++
    if (state === 'pass') passed++
  }
  const place = [...table.querySelectorAll<HTMLElement>('[data-sum]')].find((td) => td.dataset.sum === check)
  if (!place) return
  place.querySelector('span')!.textContent = `${passed}/${tried}`
  const bar = place.querySelector('progress')!
  bar.max = Math.max(1, tried)
  bar.value = passed
  bar.setAttribute('aria-label', t('{passed} of {n} passed', { passed, n: tried }))
}
