// One terminal's WebSocket, after docs/architecture.md, "The terminal's
// WebSocket". It connects again by itself, with growing pauses.
import { t } from './words'

// State is "lost" in the pause before the next try, "off" where there is no
// running guest, and "closed" on demand.
export type State = 'connecting' | 'open' | 'lost' | 'off' | 'closed'

export interface Wire {
  // output is bytes of the program. parsed is to be called when they are shown.
  output(bytes: Uint8Array, parsed: () => void): void
  // attached comes before the first output of a connection.
  attached(replay: boolean): void
  ended(status: number): void
  error(message: string): void
  state(state: State): void
  size(): { cols: number; rows: number }
}

const words = { terminalError: t('Something went wrong with the terminal.') }

const noGuest = 4001

// A server may refuse longer messages; pasted text is sent in slices.
const slice = 8192

// The browser cannot slow a WebSocket down. When a program writes faster than
// the terminal shows, this much waits at most; then the page connects afresh
// and gets the newest screen instead of all that rushed by.
const mostWaiting = 8 << 20

export class Connection {
  private socket: WebSocket | null = null
  private failures = 0
  private timer = 0
  private waiting = 0
  private wanted = false
  private over = false // the shell ended; a new one only on demand
  // What is typed between asking for a connection and having it; null later.
  private early: Uint8Array[] | null = null

  constructor(
    private readonly url: string,
    private readonly wire: Wire,
  ) {
    addEventListener('online', () => this.hurry())
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.hurry()
    })
  }

  // connect opens a connection, ending an older one.
  connect(): void {
    this.wanted = true
    this.over = false
    this.failures = 0
    this.open()
    this.early = []
  }

  close(): void {
    this.wanted = false
    this.early = null
    this.drop()
    this.wire.state('closed')
  }

  get live(): boolean {
    return this.wanted && !this.over
  }

  // attached says that the program can be typed to, coming that it soon can.
  get attached(): boolean {
    return this.live && this.early === null && this.socket?.readyState === WebSocket.OPEN
  }

  get coming(): boolean {
    return this.live && this.early !== null
  }

  // hurry tries again now if a pause is running.
  hurry(): void {
    if (this.live && this.timer) this.open()
  }

  // send gives bytes to the program; false if there is no connection. Keys
  // pressed while one is being made on demand are kept for it: whoever asks for
  // a new shell by Enter goes on typing. After a loss they are not, for nobody
  // sees then what they would do.
  send(bytes: Uint8Array): boolean {
    if (this.early) {
      this.early.push(bytes)
      return true
    }
    const socket = this.socket
    if (socket?.readyState !== WebSocket.OPEN) return false
    for (let i = 0; i < bytes.length; i += slice) socket.send(new Uint8Array(bytes.subarray(i, i + slice)))
    return true
  }

  private sendEarly(): void {
    const early = this.early ?? []
    this.early = null
    for (const bytes of early) this.send(bytes)
  }

  resize(): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return
    this.socket.send(JSON.stringify({ type: 'resize', ...this.wire.size() }))
  }

  private drop(): void {
    clearTimeout(this.timer)
    this.timer = 0
    const old = this.socket
    this.socket = null
    this.waiting = 0
    old?.close()
  }

  private open(): void {
    this.drop()
    this.wire.state('connecting')
    const socket = new WebSocket(this.url)
    this.socket = socket
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => {
      if (socket === this.socket) this.resize()
    }
    socket.onmessage = (e) => {
      if (socket === this.socket) this.receive(socket, e.data)
    }
    socket.onclose = (e) => {
      if (socket === this.socket) this.closed(e.code)
    }
  }

  private receive(socket: WebSocket, data: ArrayBuffer | string): void {
    if (typeof data === 'string') {
      this.control(JSON.parse(data))
      return
    }
    this.waiting += data.byteLength
    this.wire.output(new Uint8Array(data), () => {
      if (socket === this.socket) this.waiting -= data.byteLength
    })
    if (this.waiting > mostWaiting) this.open()
  }

  private control(m: { type: string; replay?: boolean; status?: number; message?: string }): void {
    switch (m.type) {
      case 'attached':
        this.failures = 0
        this.wire.attached(m.replay ?? false)
        this.wire.state('open')
        this.sendEarly()
        break
      case 'exit':
        this.over = true
        this.wire.ended(m.status ?? 0)
        break
      case 'error':
        this.wire.error(m.message ?? words.terminalError)
        break
    }
  }

  private closed(code: number): void {
    this.socket = null
    this.early = null
    if (!this.live) return
    if (code === noGuest) {
      this.wanted = false
      this.wire.state('off')
      return
    }
    this.wire.state('lost')
    this.timer = window.setTimeout(() => this.open(), Math.min(15_000, 500 * 2 ** this.failures++))
  }
}
