// The terminals' buttons, and the way between tutorial and machine.
import { remember } from './choice'
import { part } from './page'
import { showPane } from './panes'
import { usualSize } from './screen'
import { GuestTerminal } from './terminal'
import { View } from './view'

export function terminalTools(terminals: GuestTerminal[]): void {
  const size = (change: number) => {
    const now = terminals[0]?.screen.terminal.options.fontSize ?? usualSize
    const next = Math.min(28, Math.max(9, now + change))
    remember('fontSize', String(next))
    for (const t of terminals) t.screen.setFontSize(next)
  }
  part('font-smaller').addEventListener('click', () => size(-1))
  part('font-larger').addEventListener('click', () => size(1))

  const reader = part('screen-reader')
  const show = (on: boolean) => reader.setAttribute('aria-pressed', String(on))
  show(terminals[0]?.screen.terminal.options.screenReaderMode ?? false)
  reader.addEventListener('click', () => {
    const on = reader.getAttribute('aria-pressed') !== 'true'
    remember('screenReader', String(on))
    show(on)
    for (const t of terminals) t.screen.terminal.options.screenReaderMode = on
  })
}

// leaveAndReturn is the way out of terminal and desktop, which take even Tab for
// themselves: Ctrl+F6 goes to the tutorial, to where one was, and back.
export function leaveAndReturn(current: () => View | undefined): void {
  const tutorial = part('tutorial')
  tutorial.tabIndex = -1
  let last: HTMLElement = tutorial
  tutorial.addEventListener('focusin', (e) => (last = e.target as HTMLElement))
  document.addEventListener(
    'keydown',
    (e) => {
      if (e.key !== 'F6' || !e.ctrlKey || e.altKey || e.shiftKey) return
      e.preventDefault()
      e.stopPropagation()
      if (part('machine').contains(document.activeElement)) {
        showPane('tutorial')
        ;(last.isConnected ? last : tutorial).focus()
      } else {
        showPane('machine')
        current()?.focus()
      }
    },
    { capture: true },
  )
}
