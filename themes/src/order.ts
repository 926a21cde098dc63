// A list that is put in order: by buttons, or dragged by its grips.
import { announce, inside } from './page'
import { t } from './words'

const words = {
  moved: (name: string, place: number, n: number) => t('{name}: now {place} of {n}.', { name, place, n }),
}

export class OrderedList {
  constructor(private readonly list: HTMLElement) {
    for (const item of this.items) {
      inside(item, '.order-up').addEventListener('click', (e) => this.move(item, -1, e.currentTarget as HTMLElement))
      inside(item, '.order-down').addEventListener('click', (e) => this.move(item, 1, e.currentTarget as HTMLElement))
      this.drag(item, inside(item, '.order-grip'))
    }
    this.ends()
  }

  get value(): string[] {
    return this.items.map((item) => item.dataset.choice!)
  }

  private get items(): HTMLElement[] {
    return [...this.list.querySelectorAll<HTMLElement>(':scope > li')]
  }

  private get open(): boolean {
    return !this.list.closest<HTMLFieldSetElement>('fieldset')?.disabled
  }

  private move(item: HTMLElement, by: -1 | 1, button: HTMLElement): void {
    const items = this.items
    const other = items[items.indexOf(item) + by]
    if (!other || !this.open) return
    if (by < 0) other.before(item)
    else other.after(item)
    // Moving an element takes the focus from what is in it.
    button.focus()
    this.moved(item)
  }

  private moved(item: HTMLElement): void {
    this.ends()
    const name = inside(item, '.order-body').textContent?.trim() ?? ''
    announce(words.moved(name, this.items.indexOf(item) + 1, this.items.length))
  }

  // ends greys the buttons that lead nowhere, and leaves the focus on them.
  private ends(): void {
    const items = this.items
    items.forEach((item, i) => {
      inside(item, '.order-up').setAttribute('aria-disabled', String(i === 0))
      inside(item, '.order-down').setAttribute('aria-disabled', String(i === items.length - 1))
    })
  }

  private drag(item: HTMLElement, grip: HTMLElement): void {
    let before = -1
    grip.addEventListener('pointerdown', (e) => {
      if (e.button !== 0 || !this.open) return
      e.preventDefault() // no text is to be marked
      before = this.items.indexOf(item)
      item.dataset.dragged = ''
      grip.setPointerCapture(e.pointerId)
    })
    grip.addEventListener('pointermove', (e) => {
      if (grip.hasPointerCapture(e.pointerId)) this.follow(item, e.clientY)
    })
    grip.addEventListener('lostpointercapture', () => {
      delete item.dataset.dragged
      if (this.items.indexOf(item) !== before) this.moved(item)
    })
  }

  // follow puts the item where the pointer is. Capture ends when an element
  // is moved in the document, so it is the others that are moved.
  private follow(item: HTMLElement, y: number): void {
    for (const other of this.items) {
      if (other === item) continue
      const box = other.getBoundingClientRect()
      const above = other.compareDocumentPosition(item) & Node.DOCUMENT_POSITION_FOLLOWING
      const middle = box.top + box.height / 2
      if (above && y < middle) item.after(other)
      else if (!above && y > middle) item.before(other)
    }
  }
}
