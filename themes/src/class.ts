// The grid of a class: it is kept up to date by events, and can be searched,
// sorted and walked through by arrow keys.
import { listen } from './events'
import { chips, Grade } from './grade'
import { part, points } from './page'
import { showTimes } from './times'

interface Cell {
  state: 'idle' | 'running' | 'pass' | 'part' | 'fail' | 'unsure'
  won: number
  points: number
  attempts: number
  late?: boolean
  href?: string
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

const verdicts: Record<Cell['state'], string> = {
  idle: 'Not tried yet',
  running: 'Checking…',
  pass: 'Passed',
  part: 'Partly there',
  fail: 'Not yet',
  unsure: 'Could not tell',
}

// cellWords says what themes/functions_class.go says.
function cellWords(c: Cell): string {
  const of = c.points === 1 ? '1 point' : `${points(c.points)} points`
  const attempts = c.attempts === 1 ? '1 attempt' : `${c.attempts} attempts`
  return `${verdicts[c.state]}: ${points(c.won)} of ${of}, ${attempts}${c.late ? ', late' : ''}`
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
        banner.textContent = 'The connection to the server is lost. Trying again… What you see may be old.'
        banner.hidden = false
      },
    },
  )
  setInterval(() => showTimes(body), 60_000)
}

function drawCell(td: HTMLTableCellElement, c: Cell): void {
  td.dataset.state = c.state
  td.toggleAttribute('data-late', c.late ?? false)
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
  const lamp = Object.assign(document.createElement('span'), { className: 'lamp', title: 'The machine is running' })
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
  head.querySelector('.lamp span')!.textContent = r.running ? 'machine running' : ''
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
  } else seen.textContent = 'never'
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
  bar.setAttribute('aria-label', `${passed} of ${tried} passed`)
}

// tools makes the fields above the grid work. What it gives back sorts and
// filters again.
function tools(table: HTMLTableElement): () => void {
  const filter = part<HTMLInputElement>('grid-filter')
  const show = part<HTMLSelectElement>('grid-show')
  const sort = part<HTMLSelectElement>('grid-sort')
  const count = part('grid-count')
  const body = table.tBodies[0]!
  part('grid-tools').hidden = false

  const wanted: Record<string, (r: HTMLTableRowElement) => boolean> = {
    running: (r) => 'running' in r.dataset,
    never: (r) => !('seen' in r.dataset),
    started: (r) => r.querySelector('.cell:not([data-state=idle])') !== null,
    late: (r) => 'late' in r.dataset,
    unsent: (r) => r.dataset.grade === 'waiting' || r.dataset.grade === 'refused',
  }
  const name = (r: HTMLTableRowElement) => r.dataset.name ?? ''
  const won = (r: HTMLTableRowElement) => Number(r.dataset.points)
  const seen = (r: HTMLTableRowElement) => Date.parse(r.dataset.seen ?? '') || 0
  const collate = new Intl.Collator(undefined, { numeric: true })
  const byName = (a: HTMLTableRowElement, b: HTMLTableRowElement) => collate.compare(name(a), name(b))
  const orders: Record<string, (a: HTMLTableRowElement, b: HTMLTableRowElement) => number> = {
    name: byName,
    points: (a, b) => won(b) - won(a) || byName(a, b),
    least: (a, b) => won(a) - won(b) || byName(a, b),
    seen: (a, b) => seen(b) - seen(a) || byName(a, b),
  }

  const arrange = () => {
    const rows = [...body.rows]
    const sorted = [...rows].sort(orders[sort.value] ?? byName)
    // Moving rows takes the focus from them; most events move none.
    if (sorted.some((r, i) => r !== rows[i])) {
      const focused = document.activeElement
      body.append(...sorted)
      if (focused instanceof HTMLElement && body.contains(focused)) focused.focus({ preventScroll: true })
    }
    const words = filter.value.trim().toLocaleLowerCase().split(/\s+/)
    const fits = wanted[show.value] ?? (() => true)
    let shown = 0
    for (const row of rows) {
      const text = (row.cells[0]!.textContent ?? '').toLocaleLowerCase()
      const on = words.every((w) => text.includes(w)) && fits(row)
      row.hidden = !on
      if (on) shown++
    }
    count.textContent = shown === rows.length ? `${shown} students` : `${shown} of ${rows.length} students`
  }
  // A burst of events arranges once.
  let due = 0
  const soon = () => {
    cancelAnimationFrame(due)
    due = requestAnimationFrame(arrange)
  }
  filter.addEventListener('input', soon)
  show.addEventListener('change', soon)
  sort.addEventListener('change', soon)
  arrange()
  return soon
}

// walk lets arrow keys move between cells; Tab passes by all but one of them,
// after the grid pattern of WAI-ARIA.
function walk(table: HTMLTableElement): void {
  const links = table.querySelectorAll<HTMLElement>('.cell a')
  for (const a of links) a.tabIndex = -1
  if (links[0]) links[0].tabIndex = 0
  table.addEventListener('keydown', (e) => {
    const cell = (e.target as HTMLElement).closest<HTMLTableCellElement>('tbody .cell, tbody .grid-name')
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[e.key]
    if (!cell || !move || e.ctrlKey || e.altKey || e.metaKey) return
    e.preventDefault()
    const next = neighbour(cell, move[0]!, move[1]!)
    if (!next) return
    table.querySelector('.cell a[tabindex="0"]')?.setAttribute('tabindex', '-1')
    if (next.closest('.cell')) next.tabIndex = 0
    next.focus()
    next.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  })
}

// neighbour is the next link in a direction, past cells that have none.
function neighbour(cell: HTMLTableCellElement, down: number, right: number): HTMLElement | null {
  let row = cell.parentElement as HTMLTableRowElement | null
  let column = cell.cellIndex
  while (row) {
    if (right) column += right
    else row = (down > 0 ? row.nextElementSibling : row.previousElementSibling) as HTMLTableRowElement | null
    if (!row || column < 0 || column >= row.cells.length) return null
    const link = row.hidden ? null : row.cells[column]!.querySelector<HTMLElement>('a')
    if (link) return link
  }
  return null
}

// tooltips are made when they are wanted: thousands of them make the page big.
function tooltips(table: HTMLTableElement): void {
  const add = (e: Event) => {
    const link = (e.target as Element).closest?.('.cell')?.querySelector('a')
    if (!link || link.title) return
    const row = link.closest('tr')!
    const column = link.closest('td')!.cellIndex
    const check = table.rows[0]!.cells[column]!.textContent?.trim() ?? ''
    link.title = `${row.dataset.name}, ${check}\n${link.getAttribute('aria-label')}`
  }
  table.addEventListener('pointerover', add)
  table.addEventListener('focusin', add)
}
