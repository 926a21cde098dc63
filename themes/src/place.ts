// The reader's place in a page that changes under their eyes.

const key = 'author-place'

// keepPlace changes the page, and then scrolls so that the block at the top of
// the window stands where it stood.
export function keepPlace(change: () => void): void {
  const scroller = scrolls()
  const top = scroller === document.scrollingElement ? 0 : scroller.getBoundingClientRect().top
  const blocks = [...document.querySelectorAll<HTMLElement>('.tutorial-head > *, .step > *, .task > *')]
    .filter((e) => e.offsetParent !== null)
    .map((e) => ({ e, was: e.getBoundingClientRect() }))
  const first = blocks.findIndex((b) => b.was.bottom > top + 60) // the list of steps lies over the text
  const anchoring = scroller.style.overflowAnchor
  scroller.style.overflowAnchor = 'none' // or the browser would do it once more
  change()
  if (first >= 0) {
    // A block that was replaced begins where the one before it ends.
    const near = blocks.slice(0, first + 1).reverse().concat(blocks.slice(first + 1))
    const held = near.find((b) => b.e.isConnected && b.e.offsetParent !== null)
    if (held) move(scroller, scroller.scrollTop + held.e.getBoundingClientRect().top - held.was.top)
  }
  requestAnimationFrame(() => (scroller.style.overflowAnchor = anchoring))
}

// reload loads the page again, and comes back to the same place.
export function reload(): void {
  sessionStorage.setItem(key, JSON.stringify({ path: location.pathname, top: scrolls().scrollTop }))
  location.reload()
}

// comeBack ends what reload began.
export function comeBack(): void {
  const kept = sessionStorage.getItem(key)
  sessionStorage.removeItem(key)
  if (!kept) return
  const { path, top } = JSON.parse(kept) as { path: string; top: number }
  if (path === location.pathname) move(scrolls(), top)
}

function move(scroller: Element, top: number): void {
  scroller.scrollTo({ top, behavior: 'instant' })
}

function scrolls(): HTMLElement {
  const pane = document.getElementById('tutorial')
  // On a phone the whole page scrolls.
  return pane && getComputedStyle(pane).overflowY === 'auto' ? pane : (document.scrollingElement as HTMLElement)
}
