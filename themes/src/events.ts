// The stream of server-sent events. EventSource connects again by itself
// after a lost connection, but gives up for good on an error status; then this
// starts a new one, with growing pauses.

export interface Link {
  // connected is called at every (new) connection, lost when one breaks.
  connected(): void
  lost(): void
}

// listen calls back for each kind of event that there is a function for.
export function listen<E>(url: string, on: { [Kind in keyof E]: (data: E[Kind]) => void }, link: Link): void {
  let failures = 0
  const open = () => {
    const source = new EventSource(url)
    source.onopen = () => {
      failures = 0
      link.connected()
    }
    source.onerror = () => {
      link.lost()
      if (source.readyState !== EventSource.CLOSED) return
      failures++
      setTimeout(open, Math.min(30_000, 1000 * 2 ** failures))
    }
    for (const kind of Object.keys(on) as (keyof E & string)[]) {
      source.addEventListener(kind, (e) => on[kind](JSON.parse((e as MessageEvent<string>).data)))
    }
    addEventListener('pagehide', () => source.close(), { once: true })
  }
  open()
  // A page that comes back from the browser's back-forward cache is stale.
  addEventListener('pageshow', (e) => {
    if (e.persisted) location.reload()
  })
}
