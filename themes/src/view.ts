// What the machine's tabs show: terminals and desktops alike.
import { Guest } from './api'

// Notice is words over a view; "" is none. again tries at once.
export type Notice = (words: string, again?: () => void) => void

export interface View {
  // follow does what the guest's state asks for.
  follow(guest: Guest): void
  // shown is called whenever the view's tab is chosen.
  shown(): void
  focus(): void
}
