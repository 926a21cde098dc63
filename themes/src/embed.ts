// A page in a frame of a learning platform tells its height, so that the
// platform need not show a second scroll bar (lti.frameResize; Canvas listens).

// A work place has panes that scroll by themselves: it asks for what fits on
// the screen below the platform's own head.
const leastWork = 600
const mostWork = 1000
const platformHead = 250

export function tellHeight(): void {
  const listener = document.body.dataset.listener
  if (!listener || window.parent === window) return
  const work = document.body.classList.contains('work')
  let told = 0
  const tell = () => {
    const height = work
      ? Math.min(mostWork, Math.max(leastWork, screen.availHeight - platformHead))
      : Math.ceil(document.body.getBoundingClientRect().height)
    if (height === told) return
    told = height
    window.parent.postMessage({ subject: 'lti.frameResize', height }, listener)
  }
  tell()
  if (!work) new ResizeObserver(tell).observe(document.body)
}
