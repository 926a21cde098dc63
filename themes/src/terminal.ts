// The terminal of one guest: a screen, a connection, and what is said when
// there is none.
import { API, Guest, machineOf } from './api'
import { Connection, State } from './connection'
import { Screen } from './screen'
import { Notice, View } from './view'
import { t } from './words'

const words = {
  label: (guest: string) => t('Terminal of {guest}. Control F6 leaves it.', { guest }),
  ended: (status: number) =>
    status === 0 ? t('The shell has ended. Press Enter for a new one.') : t('The shell has ended (status {status}). Press Enter for a new one.', { status }),
  lost: t("The terminal's connection is lost. Trying again; your programs go on."),
}

// settled is the pause in a shell's first output after which it can be typed
// to, and longest how long that may take, in ms.
const settled = 150
const longest = 1500

// reply is what a terminal answers to a program: attributes, positions, modes,
// colours. See ECMA-48 and xterm's control sequences. Keys look different, but
// for some function keys with modifiers.
const reply = /^\x1b(?:\[[?>]?[\d;]*(?:c|R|n|t|\$y)|[\]P])/

const dim = (words: string) => `\r\n\x1b[2m${words}\x1b[0m\r\n`

export class GuestTerminal implements View {
  readonly screen: Screen
  private readonly connection: Connection
  private generation = -1
  private ended = false
  private wanted = false // its tab has been chosen
  private running = false
  private command = '' // to be typed when the shell is there
  private typing = 0
  private muted = false
  private mutedUntil = 0
  private unmuting = 0

  constructor(
    readonly guest: string,
    place: HTMLElement,
    api: API,
    private readonly notice: Notice,
  ) {
    this.screen = new Screen(place, words.label(guest))
    const terminal = this.screen.terminal
    this.connection = new Connection(api.terminal(guest), {
      output: (bytes, parsed) => this.output(bytes, parsed),
      attached: (replay) => this.attached(replay),
      ended: (status) => this.shellEnded(status),
      error: (message) => terminal.write(dim(message)),
      state: (state) => this.connectionState(state),
      size: () => ({ cols: terminal.cols, rows: terminal.rows }),
    })
    const text = new TextEncoder()
    terminal.onData((data) => this.typed(data, text.encode(data)))
    terminal.onBinary((data) => this.typed(data, Uint8Array.from(data, (c) => c.charCodeAt(0))))
    terminal.onResize(() => this.connection.resize())
  }

  follow(guest: Guest): void {
    const { state, generation } = machineOf(guest, this.guest)
    this.running = state === 'ready'
    if (!this.running) {
      this.connection.close()
      return
    }
    if (generation === this.generation && (this.connection.live || this.ended)) return
    const fresh = generation !== this.generation
    this.generation = generation
    if (fresh) {
      this.ended = false
      this.connection.close()
      this.screen.terminal.reset()
    }
    if (this.wanted) this.connect()
  }

  // shown connects at the first time: nobody waits for a shell never looked at.
  shown(): void {
    this.screen.refit()
    this.wanted = true
    if (this.running && !this.connection.live && !this.ended) this.connect()
  }

  focus(): void {
    this.screen.terminal.focus()
  }

  // type has a command typed as if pasted. One line is also run; of several
  // lines the student presses the last Enter, having read them.
  type(command: string): boolean {
    if (!this.connection.attached && !this.connection.coming) return false
    this.screen.terminal.focus()
    if (this.connection.attached) this.enter(command)
    else this.command = command
    return true
  }

  private enter(command: string): void {
    this.screen.terminal.paste(command)
    if (!command.includes('\n')) this.screen.terminal.input('\r')
  }

  // enterAfter types what waits for a shell. One that has just been started
  // must first say whether it knows pasted text from typed.
  private enterAfter(pause: number): void {
    clearTimeout(this.typing)
    this.typing = window.setTimeout(() => {
      const command = this.command
      this.command = ''
      if (command !== '') this.enter(command)
    }, pause)
  }

  private connect(): void {
    this.ended = false
    this.connection.connect()
  }

  private typed(data: string, bytes: Uint8Array): void {
    if (this.ended) {
      if (data.includes('\r')) this.connect()
      return
    }
    if (!(this.muted && reply.test(data))) this.connection.send(bytes)
  }

  // attached is followed by old output, where replay is set. Old questions of
  // programs to the terminal (where is the cursor?) must not be answered into
  // the shell again, so answers are held back until the replay is shown: until
  // output pauses, but not for ever, since a program may never pause.
  private attached(replay: boolean): void {
    if (this.command !== '') this.enterAfter(longest)
    if (!replay) return
    this.screen.terminal.write('\x1bc') // RIS: a new page, in order with the rest
    this.muted = true
    this.unmuteAfter(longest)
    this.mutedUntil = Date.now() + longest
  }

  private unmuteAfter(pause: number): void {
    clearTimeout(this.unmuting)
    this.unmuting = window.setTimeout(() => (this.muted = false), pause)
  }

  private output(bytes: Uint8Array, parsed: () => void): void {
    this.screen.terminal.write(bytes, () => {
      if (this.muted) this.unmuteAfter(Math.min(settled, this.mutedUntil - Date.now()))
      if (this.command !== '') this.enterAfter(settled)
      parsed()
    })
  }

  private shellEnded(status: number): void {
    this.ended = true
    this.screen.terminal.write(dim(words.ended(status)))
  }

  private connectionState(state: State): void {
    if (state !== 'connecting' && state !== 'open') this.command = ''
    if (state === 'lost') {
      // No seconds are counted down: screen readers would read each of them.
      this.notice(words.lost, () => this.connection.hurry())
    } else if (state !== 'connecting') this.notice('')
  }
}
