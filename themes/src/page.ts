// Small things that all parts of the tutorial page use.
import { number } from './words'

// part finds an element that the template promises.
export function part<E extends HTMLElement = HTMLElement>(id: string): E {
  const el = document.getElementById(id)
  if (!el) throw new Error(`the page has no #${id}`)
  return el as E
}

export function inside<E extends Element = HTMLElement>(root: ParentNode, selector: string): E {
  const el = root.querySelector<E>(selector)
  if (!el) throw new Error(`the page has no ${selector}`)
  return el
}

export function setIcon(root: ParentNode, name: string): void {
  root.querySelector('use')?.setAttribute('href', `#i-${name}`)
}

// points writes points like the templates do.
export const points = number

export function button(label: string, kind: string, clicked: () => void): HTMLButtonElement {
  const b = document.createElement('button')
  b.type = 'button'
  b.className = kind
  b.textContent = label
  b.addEventListener('click', clicked)
  return b
}

// flash shows what happened on a button itself for a moment.
export function flash(button: HTMLElement, words: string): void {
  const label = inside(button, 'span')
  const before = button.dataset.label ?? label.textContent ?? ''
  button.dataset.label = before
  label.textContent = words
  clearTimeout(Number(button.dataset.timer))
  button.dataset.timer = String(setTimeout(() => (label.textContent = before), 1500))
}

// announce has a screen reader say something. The same words twice in a row
// would be silent, so the region is emptied first.
export function announce(words: string): void {
  const region = part('announce')
  region.textContent = ''
  requestAnimationFrame(() => {
    region.textContent = words
  })
}

// copyText copies, also where the clipboard API is missing for want of a
// secure context.
export async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text)
      return true
    } catch {
      // Refused: fall through to the old way.
    }
  }
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'visually-hidden'
  document.body.append(area)
  const before = document.activeElement
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  if (before instanceof HTMLElement) before.focus()
  return done
}
