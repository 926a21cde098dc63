// The stream of server-sent events. EventSource connects again by itself
// after a lost connection, but gives up for good on an error status; then this
// starts a new one, with growing pauses.
import type { Attempt, Guest, Score } from './api'

export interface Events {
  guest(guest: Guest): void
  attempt(attempt: Attempt): void
  score(score: Score): void
  hint(hint: { id: string; due: boolean }): void
  solution(solution: { check: string }): void
  // connected is called at every (new) connection, lost when one breaks.
  connected(): void
  lost(): void
}

const kinds = ['guest', 'attempt', 'score', 'hint', 'solution'] as const

export function listen(url: string, on: Events): void {
  let failures = 0
  const open = () => {
    const source = new EventSource(url)
    source.onopen = () => {
      failures = 0
      on.connected()
    }
    source.onerror = () => {
      on.lost()
      if (source.readyState !== EventSource.CLOSED) return
      failures++
      setTimeout(open, Math.min(30_000, 1000 * 2 ** failures))
    }
    for (const kind of kinds) {
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
