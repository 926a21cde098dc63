// Puts a new version of a page's text in the place of the old one, block by
// block: what is the same stays, with all that the reader has done to it.

// Pages whose scripts have taken the text apart can't be patched.
export class Lost extends Error {}

export class PageText {
  // shown is the text as the server sent it; live are the elements of the page
  // that its blocks have become.
  private shown: Element
  private readonly live = new WeakMap<Element, Element>()

  // root must be as the server sent it.
  constructor(root: Element) {
    this.shown = root.cloneNode(true) as Element
    this.pair(this.shown, root)
  }

  // update takes the text of a newer page and returns what is new in this one.
  update(next: Element): HTMLElement[] {
    const fresh: HTMLElement[] = []
    this.sync(this.shown, next, fresh)
    this.shown = next
    return fresh
  }

  // pair notes what blocks have become, all the way down.
  private pair(server: Element, live: Element): void {
    this.live.set(server, live)
    if (!holdsBlocks(server)) return
    ;[...server.children].forEach((child, i) => this.pair(child, live.children[i]!))
  }

  // keep hands what old blocks have become on to their equals.
  private keep(old: Element, next: Element): void {
    this.live.set(next, this.live.get(old)!)
    if (!holdsBlocks(old)) return
    ;[...old.children].forEach((child, i) => this.keep(child, next.children[i]!))
  }

  private sync(old: Element, next: Element, fresh: HTMLElement[]): void {
    const home = this.live.get(old)
    if (!home?.isConnected) throw new Lost()
    this.live.set(next, home)
    const before = [...old.children]
    const after = [...next.children]
    const matches = match(before, after)
    const gone = new Set(before)
    for (const [i, j] of matches) {
      gone.delete(before[i]!)
      if (essence(before[i]!) === essence(after[j]!)) this.keep(before[i]!, after[j]!)
      else this.sync(before[i]!, after[j]!, fresh)
    }
    // From the end: each block goes before the one that follows it. What
    // stays keeps its place, for a moved element would lose its focus.
    const kept = new Map(matches.map(([i, j]) => [j, before[i]!]))
    let below: Element | null = null
    for (const element of gone) this.within(home, element).remove()
    for (let j = after.length - 1; j >= 0; j--) {
      const stays = kept.get(j)
      if (stays) {
        below = this.within(home, stays)
        continue
      }
      const born = document.importNode(after[j]!, true) as HTMLElement
      this.pair(after[j]!, born)
      home.insertBefore(born, below)
      fresh.push(born)
      below = born
    }
  }

  // within is the child of home that a block has become, or was wrapped in.
  private within(home: Element, block: Element): Element {
    let e = this.live.get(block) ?? null
    while (e && e.parentElement !== home) e = e.parentElement
    if (!e) throw new Lost()
    return e
  }
}

// holdsBlocks says whether an element is but a frame around blocks.
function holdsBlocks(e: Element): boolean {
  if (!['ARTICLE', 'SECTION', 'HEADER', 'FOOTER'].includes(e.tagName)) return false
  return ![...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.textContent!.trim() !== '')
}

// essence is what an element says whatever a check has said in it meanwhile.
function essence(e: Element): string {
  let text = essences.get(e)
  if (text === undefined) essences.set(e, (text = unsaid(e)))
  return text
}

const essences = new WeakMap<Element, string>()

function unsaid(e: Element): string {
  if (!e.matches('.check') && !e.querySelector('.check')) return e.outerHTML
  const copy = e.cloneNode(true) as Element
  const checks = copy.matches('.check') ? [copy] : [...copy.querySelectorAll('.check')]
  for (const check of checks) {
    for (const name of ['data-state', 'data-won', 'data-passed', 'data-attempt', 'data-left']) check.removeAttribute(name)
    for (const said of check.querySelectorAll('.check-result, .answer-feedback, .answer-terms, .check-auto')) said.remove()
    for (const won of check.querySelectorAll('.check-won')) won.textContent = ''
    for (const e of check.querySelectorAll('input, fieldset, .check-button')) {
      for (const name of ['checked', 'value', 'disabled', 'hidden', 'aria-disabled']) {
        if (name !== 'value' || e.matches('.answer-text')) e.removeAttribute(name)
      }
    }
  }
  return copy.outerHTML
}

// match finds blocks that stay (the longest common run of equals), and frames
// that stay though something in them changes. Pairs are in order on both sides.
function match(before: Element[], after: Element[]): [number, number][] {
  const a = before.map(essence)
  const b = after.map(essence)
  const best = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1))
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      best[i]![j] = a[i] === b[j] ? best[i + 1]![j + 1]! + 1 : Math.max(best[i + 1]![j]!, best[i]![j + 1]!)
    }
  }
  const pairs: [number, number][] = []
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) pairs.push([i++, j++])
    else if (alike(before[i]!, after[j]!)) {
      // Taking them for one may cost an equal pair beyond; frames have IDs.
      pairs.push([i++, j++])
    } else if (best[i + 1]![j]! >= best[i]![j + 1]!) i++
    else j++
  }
  return pairs
}

function alike(a: Element, b: Element): boolean {
  return a.tagName === b.tagName && a.id === b.id && a.className === b.className && holdsBlocks(a) && holdsBlocks(b)
}
