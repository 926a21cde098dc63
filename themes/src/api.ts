// The requests of docs/architecture.md, "What a page and the server say to
// each other". The types mirror themes/pages*.go.
import { t } from './words'

const words = {
  broken: t('Something went wrong in this page. Load it again.'),
  unreachable: [t('The server cannot be reached.'), t('Check your connection, then try again.')],
  signedOut: [t('You are signed out.'), t('Load the page again to sign in.')],
  refused: (status: number) => t('The server answered with an error ({status}).', { status }),
  again: t('Try again in a moment.'),
} as const

export interface Guest {
  state: 'none' | 'queued' | 'starting' | 'ready' | 'resetting' | 'stopping' | 'failed' | 'suspended'
  detail: string
  image?: string
  since: string
  generation: number
  machines?: Machine[]
  place?: number // in the queue, from 1
  estimate?: number // minutes until the turn
  kept_until?: string // the machine waits for a sign of life
}

// isOff says whether a machine in this state runs once it is started.
export const isOff = (state: Guest['state']) => state === 'none' || state === 'failed' || state === 'suspended'

// Machine is one of several guests.
export interface Machine {
  name: string
  state: Guest['state']
  detail: string
  generation: number
}

// machineOf is one guest's part of a state that sums several up.
export function machineOf(guest: Guest, name: string): Pick<Guest, 'state' | 'detail' | 'generation'> {
  return guest.machines?.find((m) => m.name === name) ?? guest
}

// Setup is what entering a step does to the machine; step is empty for what
// is done when it starts.
export interface Setup {
  step: string
  state: 'running' | 'done' | 'failed'
  message?: string
}

export interface Attempt {
  id: string
  check: string
  state: 'running' | 'done'
  verdict?: 'pass' | 'fail' | 'unsure'
  message?: string
  won: number
  best: number
  points: number
  at: string
  attempts: number
  left?: number
  feedback?: string
  auto?: boolean
}

export interface Score {
  points: number
  of: number
}

// Refused is an answer that is an error; its message says what went wrong and
// what to do. status 0 means that no answer came; wait is for how many seconds
// the server asks to be left in peace.
export class Refused extends Error {
  constructor(
    readonly status: number,
    what: string,
    readonly mend: string,
    readonly wait = 0,
  ) {
    super(what)
  }

  get words(): string {
    return [this.message, this.mend].filter(Boolean).join(' ')
  }
}

// inWords says any failure to a student.
export function inWords(failure: unknown): string {
  return failure instanceof Refused ? failure.words : words.broken
}

export class API {
  constructor(readonly base: string) {}

  post<T>(path: string, body?: unknown): Promise<T> {
    return request<T>(this.base + path, {
      method: 'POST',
      credentials: 'same-origin',
      headers: { Accept: 'application/json', 'Content-Type': 'application/json' },
      body: JSON.stringify(body ?? {}),
    })
  }

  // terminal is the address of one guest's WebSocket.
  terminal(guest: string): string {
    return this.socket('terminal', { guest, name: 'main' })
  }

  // desktop is the address of the WebSocket to one guest's screen.
  desktop(guest: string): string {
    return this.socket('desktop', { guest })
  }

  private socket(what: string, query: Record<string, string>): string {
    const url = new URL(`${this.base}/${what}`, location.href)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    url.search = new URLSearchParams(query).toString()
    return url.href
  }
}

async function request<T>(url: string, init: RequestInit): Promise<T> {
  let response: Response
  try {
    response = await fetch(url, init)
  } catch {
    throw new Refused(0, ...words.unreachable)
  }
  const body = await response.json().catch(() => null)
  if (response.ok && (body !== null || response.status === 202)) return body as T
  if (response.status === 401) {
    throw new Refused(401, ...words.signedOut)
  }
  throw new Refused(
    response.status,
    body?.error ?? words.refused(response.status),
    body?.mend ?? words.again,
    Number(response.headers.get('Retry-After')) || 0,
  )
}

// drawUUID draws an attempt's id. randomUUID is there only in secure contexts,
// which a lab's plain-HTTP server in a classroom is not.
export function drawUUID(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  const b = crypto.getRandomValues(new Uint8Array(16))
  b[6] = (b[6]! & 0x0f) | 0x40 // version 4, RFC 9562 section 5.4
  b[8] = (b[8]! & 0x3f) | 0x80
  const hex = Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
