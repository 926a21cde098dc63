// What this page uses of noVNC, which brings no types. See its docs/API.md.
declare module '@novnc/novnc' {
  export default class RFB extends EventTarget {
    constructor(target: HTMLElement, channel: WebSocket, options?: { shared?: boolean })
    background: string
    resizeSession: boolean
    scaleViewport: boolean
    clipboardPasteFrom(text: string): void
    disconnect(): void
    focus(options?: FocusOptions): void
    sendCtrlAltDel(): void
    sendKey(keysym: number, code: string, down?: boolean): void
  }
}

declare module '*/novnc/core/util/logging.js' {
  export function initLogging(level: 'none' | 'error' | 'warn' | 'info' | 'debug'): void
}
