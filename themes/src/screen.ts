// The screen of one terminal: xterm.js, set up for this page.
import { FitAddon } from '@xterm/addon-fit'
import { Unicode11Addon } from '@xterm/addon-unicode11'
import { WebLinksAddon } from '@xterm/addon-web-links'
import { Terminal } from '@xterm/xterm'
import { onTheme, remembered, shownTheme } from './choice'
import { copyText } from './page'
import { palettes } from './palette'
import { t } from './words'

Terminal.strings.tooMuchOutput = t('Too much was printed to read it all aloud. Move through the lines by yourself.')

export const font = '"JetBrains Mono Variable"'

// On a phone smaller letters leave room for half a hundred columns.
export const usualSize = innerWidth < 500 ? 12 : 14

// Screen is an opened Terminal that fits itself to its place.
export class Screen {
  readonly terminal: Terminal
  private readonly fit = new FitAddon()

  constructor(
    private readonly place: HTMLElement,
    label: string,
  ) {
    this.terminal = new Terminal({
      allowProposedApi: true, // the Unicode addon needs it
      cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
      fontFamily: `${font}, ui-monospace, "DejaVu Sans Mono", monospace`,
      fontSize: Number(remembered('fontSize')) || usualSize,
      lineHeight: 1.2,
      linkHandler: { activate: (_e, uri) => openLink(uri) },
      minimumContrastRatio: 4.5,
      screenReaderMode: remembered('screenReader') === 'true',
      scrollback: 5000,
      theme: palettes[shownTheme()],
    })
    this.terminal.loadAddon(this.fit)
    this.terminal.loadAddon(new WebLinksAddon((_e, uri) => openLink(uri)))
    this.terminal.loadAddon(new Unicode11Addon())
    this.terminal.unicode.activeVersion = '11'
    this.terminal.open(place)
    this.terminal.textarea?.setAttribute('aria-label', label)
    this.terminal.attachCustomKeyEventHandler((e) => this.key(e))
    onTheme((theme) => (this.terminal.options.theme = palettes[theme]))
    this.keepFitting()
  }

  // text is what stands on the screen and above it, wrapped lines joined.
  text(): string {
    const buffer = this.terminal.buffer.active
    const lines: string[] = []
    for (let i = 0; i < buffer.length; i++) {
      const line = buffer.getLine(i)
      if (!line) continue
      const next = buffer.getLine(i + 1)
      const words = line.translateToString(!next?.isWrapped)
      if (line.isWrapped && lines.length > 0) lines[lines.length - 1] += words
      else lines.push(words)
    }
    return lines.join('\n').trimEnd()
  }

  setFontSize(size: number): void {
    this.terminal.options.fontSize = size
    this.refit()
  }

  refit(): void {
    // A hidden place has no size, and fitting to it would shrink the program's
    // screen to nothing.
    if (this.place.clientWidth > 0 && this.place.clientHeight > 0) this.fit.fit()
  }

  private keepFitting(): void {
    let asked = 0
    new ResizeObserver(() => {
      cancelAnimationFrame(asked)
      asked = requestAnimationFrame(() => this.refit())
    }).observe(this.place)
    this.refit()
  }

  // key says whether the terminal shall have the key. Ctrl+C stays an
  // interrupt, so copying and pasting have Shift, as in other terminals.
  private key(e: KeyboardEvent): boolean {
    if (!e.ctrlKey || !e.shiftKey || e.altKey) return true
    if (e.code === 'KeyC') {
      e.preventDefault()
      if (e.type === 'keydown' && this.terminal.hasSelection()) {
        void copyText(this.terminal.getSelection()).then(() => this.terminal.focus())
      }
      return false
    }
    return e.code !== 'KeyV' // the browser pastes, and xterm takes it from there
  }
}

function openLink(uri: string): void {
  if (/^https?:/i.test(uri)) window.open(uri, '_blank', 'noopener,noreferrer')
}

// fontLoaded waits until letters can be measured, but not for ever.
export async function fontLoaded(): Promise<void> {
  const late = new Promise<void>((resolve) => setTimeout(resolve, 3000))
  await Promise.race([document.fonts.load(`${usualSize}px ${font}`).then(() => {}, () => {}), late])
}
