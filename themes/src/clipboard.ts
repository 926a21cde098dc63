// The clipboard that browser and guest share. Where the browser does not let
// this page at its own, a field on the page stands in for it.

export class Clipboard {
  // What both sides have, so that nothing is sent back and forth.
  private known = ''

  constructor(
    private readonly field: HTMLTextAreaElement,
    private readonly give: (text: string) => void,
  ) {
    field.addEventListener('input', () => this.send(field.value))
  }

  // take shows what was copied in the guest, and puts it where Ctrl+V finds it.
  take(text: string): void {
    this.known = text
    this.field.value = text
    navigator.clipboard?.writeText(text).catch(() => {}) // refused: the field has it
  }

  // offer gives the guest what the browser has, unless that would ask first.
  async offer(): Promise<void> {
    if (await mayRead()) await this.fetch()
  }

  // fetch is offer for who has asked for it: the browser may ask back.
  async fetch(): Promise<void> {
    try {
      const text = await navigator.clipboard.readText()
      if (text === '' || text === this.known) return
      this.field.value = text
      this.send(text)
    } catch {
      // Refused, or not there for want of a secure context: the field is left.
    }
  }

  private send(text: string): void {
    this.known = text
    this.give(text)
  }
}

async function mayRead(): Promise<boolean> {
  try {
    const permission = await navigator.permissions.query({ name: 'clipboard-read' as PermissionName })
    return permission.state === 'granted'
  } catch {
    return false // a browser that knows no such permission asks each time
  }
}
