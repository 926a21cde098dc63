// Ways through a class's grid: searching, sorting, arrow keys, tooltips.
import { part } from './page'
import { count } from './words'

// tools makes the fields above the grid work. What it gives back sorts and
// filters again.
export function tools(table: HTMLTableElement): () => void {
  const filter = part<HTMLInputElement>('grid-filter')
  const show = part<HTMLSelectElement>('grid-show')
  const sort = part<HTMLSelectElement>('grid-sort')
  const says = part('grid-count')
  const body = table.tBodies[0]!
  part('grid-tools').hidden = false

  const wanted: Record<string, (r: HTMLTableRowElement) => boolean> = {
    running: (r) => 'running' in r.dataset,
    never: (r) => !('seen' in r.dataset),
    started: (r) => r.querySelector('.cell:not([data-state=idle])') !== null,
    late: (r) => 'late' in r.dataset,
    unsent: (r) => r.dataset.grade === 'waiting' || r.dataset.grade === 'refused',
  }
  const won = (r: HTMLTableRowElement) => Number(r.dataset.points)
  const seen = (r: HTMLTableRowElement) => Date.parse(r.dataset.seen ?? '') || 0
  // The server has sorted by names, and knows which of them is the family's.
  const places = new Map([...body.rows].map((r, i) => [r, i]))
  const place = (r: HTMLTableRowElement) => places.get(r) ?? places.size
  const byName = (a: HTMLTableRowElement, b: HTMLTableRowElement) => place(a) - place(b)
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
    says.textContent =
      shown === rows.length ? count(shown, '{n} student', '{n} students') : count(rows.length, '{shown} of {n} student', '{shown} of {n} students', { shown })
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
export function walk(table: HTMLTableElement): void {
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
export function tooltips(table: HTMLTableElement): void {
  const add = (e: Event) => {
    const link = (e.target as Element).closest?.('.cell')?.querySelector('a')
    if (!link || link.title) return
    const row = link.closest('tr')!
    const cell = link.closest('td')!
    const check = table.rows[0]!.cells[cell.cellIndex]!.textContent?.trim() ?? ''
    // The link's title hides the cell's, which is a note.
    link.title = [`${row.dataset.name}, ${check}`, link.getAttribute('aria-label'), cell.title].filter(Boolean).join('\n')
  }
  table.addEventListener('pointerover', add)
  table.addEventListener('focusin', add)
}
