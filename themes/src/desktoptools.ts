// The buttons over the desktop.
import { GuestDesktop } from './desktop'
import { part } from './page'

export function desktopTools(desktop: GuestDesktop): void {
  part('ctrl-alt-del').addEventListener('click', () => desktop.sendCtrlAltDel())
  clipboardPanel(desktop)
  fullScreen(desktop)
}

function clipboardPanel(desktop: GuestDesktop): void {
  const button = part('clipboard-button')
  const panel = part('clipboard-panel')
  const show = (on: boolean) => {
    panel.hidden = !on
    button.setAttribute('aria-expanded', String(on))
  }
  button.addEventListener('click', () => {
    show(panel.hidden)
    if (panel.hidden) return
    part('clipboard-field').focus()
    void desktop.clipboard.fetch()
  })
  panel.addEventListener('keydown', (e) => {
    if (e.key !== 'Escape') return
    show(false)
    button.focus()
  })
}

// In full screen Escape and Alt+Tab go to the guest too, where the browser can
// do that; it then says itself how to leave.
type Keyboard = { lock?: () => Promise<void> }

function fullScreen(desktop: GuestDesktop): void {
  const button = part('full-screen')
  const machine = part('machine')
  button.hidden = !document.fullscreenEnabled
  button.addEventListener('click', () => {
    if (document.fullscreenElement) void document.exitFullscreen()
    else machine.requestFullscreen().then(() => desktop.focus(), () => (button.hidden = true))
  })
  document.addEventListener('fullscreenchange', () => {
    const on = document.fullscreenElement === machine
    button.setAttribute('aria-pressed', String(on))
    if (on) (navigator as { keyboard?: Keyboard }).keyboard?.lock?.().catch(() => {})
  })
}
