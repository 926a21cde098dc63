// What was typed, chosen and opened, carried over to new blocks that have the
// same fields.

type Kept = Map<string, (e: Element) => void>

export function fieldsOf(root: ParentNode): Kept {
  const kept: Kept = new Map()
  for (const e of root.querySelectorAll<HTMLInputElement>('.answer input')) {
    const { value, checked } = e
    kept.set(nameOf(e), (to) => {
      if (!(to instanceof HTMLInputElement)) return
      if (to.type === 'text') to.value = value
      else to.checked = checked
    })
  }
  for (const e of root.querySelectorAll<HTMLDetailsElement>('details[id][open]')) {
    kept.set(nameOf(e), (to) => to instanceof HTMLDetailsElement && (to.open = true))
  }
  return kept
}

export function refill(roots: Element[], kept: Kept): void {
  for (const root of roots) {
    for (const e of [root, ...root.querySelectorAll('.answer input, details[id]')]) kept.get(nameOf(e))?.(e)
  }
}

const nameOf = (e: Element) => e.id || e.getAttribute('name') || '?'
