// The desktop of a guest: its screen, drawn by noVNC, over a connection that
// comes back by itself. It is connected only while it can be seen, for a
// hidden screen has no size, and the guest's would follow it.
import type RFB from '@novnc/novnc'
import { Clipboard } from './clipboard'
import { API, Guest, machineOf } from './api'
import { announce } from './page'
import { Notice, View } from './view'
import { t } from './words'

const words = {
  whatItIs: t('This is a picture of your machine’s screen, which a screen reader can’t read. The tab Terminal leads into the same machine.'),
  label: (guest: string) =>
    t('Screen of {guest}, a picture that a screen reader can’t read. Control F6 leaves it. The tab Terminal leads into the same machine.', { guest }),
  opening: t('Opening the desktop…'),
  noScreen: t('This machine has no screen. Work in the terminal.'),
  lost: t('The connection to the desktop is lost. Trying again; your programs go on.'),
}

// Close codes, see docs/architecture.md.
const noGuest = 4001
const noScreen = 4004

// How long connecting may take before words say that it is being done.
const patience = 700

// X11's names of the keys that may be held down when the focus leaves.
const held: [number, string][] = [
  [0xffe1, 'ShiftLeft'],
  [0xffe3, 'ControlLeft'],
  [0xffe4, 'ControlRight'],
  [0xffe9, 'AltLeft'],
]

export class GuestDesktop implements View {
  readonly clipboard: Clipboard
  private library: Promise<{ default: typeof RFB }> | undefined
  private rfb: RFB | null = null
  private socket: WebSocket | null = null
  private attempt = 0
  private failures = 0
  private timer = 0
  private generation = -1
  private running = false
  private refused = '' // why there is no screen at all
  private visible = false
  private focused = false
  private returning = false // the keys go back to the screen when it comes back

  constructor(
    private readonly guest: string,
    private readonly place: HTMLElement,
    field: HTMLTextAreaElement,
    private readonly api: API,
    private readonly novnc: string,
    private readonly notice: Notice,
  ) {
    this.clipboard = new Clipboard(field, (text) => this.rfb?.clipboardPasteFrom(text))
    // Made before noVNC's own observer, so it is told first.
    new ResizeObserver(() => this.look()).observe(place)
    addEventListener('online', () => this.hurry())
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.hurry()
    })
    place.addEventListener('focusin', () => {
      this.focused = true
      this.returning = false
      void this.clipboard.offer()
    })
    place.addEventListener('focusout', () => {
      this.focused = false
      for (const [key, code] of held) this.rfb?.sendKey(key, code, false)
    })
  }

  follow(guest: Guest): void {
    const { state, generation } = machineOf(guest, this.guest)
    this.running = state === 'ready'
    if (this.running && generation !== this.generation) {
      this.generation = generation
      this.refused = ''
      this.failures = 0
      this.drop()
    }
    this.settle()
  }

  shown(): void {
    announce(words.whatItIs)
  }

  focus(): void {
    if (this.rfb) this.rfb.focus()
    else this.place.focus()
  }

  sendCtrlAltDel(): void {
    this.rfb?.sendCtrlAltDel()
    this.focus()
  }

  private look(): void {
    this.visible = this.place.clientWidth > 0 && this.place.clientHeight > 0
    this.settle()
  }

  // settle connects or lets go, as things are now.
  private settle(): void {
    if (!this.running || !this.visible || this.refused) {
      this.drop()
      this.notice(this.running && this.refused ? this.refused : '')
    } else if (!this.socket && !this.timer) void this.open()
  }

  // hurry tries again now if a pause is running.
  private hurry(): void {
    if (this.timer && !this.socket) void this.open()
  }

  private drop(): void {
    this.returning ||= this.focused
    this.attempt++
    clearTimeout(this.timer)
    this.timer = 0
    const { rfb, socket } = this
    this.rfb = null
    this.socket = null
    if (socket && socket.readyState < WebSocket.CLOSING) {
      rfb?.disconnect()
      socket.close()
    }
  }

  private async open(): Promise<void> {
    this.drop()
    const attempt = this.attempt
    this.timer = window.setTimeout(() => this.notice(words.opening), patience)
    try {
      this.library ??= import(this.novnc)
      const { default: NoVNC } = await this.library
      if (attempt === this.attempt) this.connect(NoVNC)
    } catch {
      this.library = undefined // the browser may have lost its way to the file only now
      if (attempt === this.attempt) this.lost()
    }
  }

  private connect(NoVNC: typeof RFB): void {
    const socket = new WebSocket(this.api.desktop(this.guest))
    this.socket = socket
    socket.addEventListener('close', (e) => {
      if (socket === this.socket) this.closed(e.code, e.reason)
    })
    const rfb = new NoVNC(this.place, socket, { shared: true })
    this.rfb = rfb
    rfb.background = 'transparent'
    rfb.scaleViewport = true // while, and where, the guest's screen does not follow
    rfb.resizeSession = true
    rfb.addEventListener('connect', () => {
      if (rfb === this.rfb) this.connected()
    })
    rfb.addEventListener('clipboard', (e) => {
      if (rfb === this.rfb) this.clipboard.take((e as CustomEvent<{ text: string }>).detail.text)
    })
  }

  private connected(): void {
    clearTimeout(this.timer)
    this.timer = 0
    this.failures = 0
    this.notice('')
    const canvas = this.place.querySelector('canvas')!
    canvas.tabIndex = 0
    canvas.setAttribute('role', 'application')
    canvas.setAttribute('aria-label', words.label(this.guest))
    if (this.returning && document.activeElement === document.body) this.focus()
    this.returning = false
  }

  private closed(code: number, reason: string): void {
    this.drop()
    if (code === noScreen) {
      this.refused = reason || words.noScreen
      this.settle()
    } else if (code === noGuest) {
      this.running = false // until the server says that it runs again
      this.settle()
    } else this.lost()
  }

  private lost(): void {
    this.notice(words.lost, () => {
      this.returning = true
      this.hurry()
    })
    this.pause(this.failures++)
  }

  private pause(failures: number): void {
    clearTimeout(this.timer)
    this.timer = window.setTimeout(() => void this.open(), Math.min(15_000, 500 * 2 ** failures))
  }
}
