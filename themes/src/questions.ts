// Forms that a student answers. What becomes of an answer is shown as with a
// check; the server alone knows what is right.
import { API, Attempt, Refused, inWords, isOff } from './api'
import { Check, Machine } from './checks'
import { inside } from './page'
import { OrderedList } from './order'
import { count, t } from './words'

const words = {
  chooseOne: t('Choose an answer first.'),
  chooseSome: t('Choose at least one answer first.'),
  write: t('Write an answer first.'),
  left: (n: number) => (n === 0 ? t('No answers left') : count(n, '{n} answer left', '{n} answers left')),
}

export class Question extends Check {
  private readonly fields: HTMLFieldSetElement
  private readonly order: OrderedList | null
  private sent: string[] | null = null

  // grow brings feedback's buttons to life.
  constructor(
    form: HTMLFormElement,
    api: API,
    machine: Machine,
    changed: () => void,
    private readonly grow: (root: HTMLElement) => void,
  ) {
    super(form, api, machine, changed)
    this.fields = inside<HTMLFieldSetElement>(form, '.answer')
    const list = form.querySelector<HTMLElement>('.order')
    this.order = list && new OrderedList(list)
    this.button.disabled = false
  }

  protected override listen(): void {
    this.element.addEventListener('submit', (e) => {
      e.preventDefault()
      this.press()
    })
  }

  // mayStart needs an answer, and asks for no machine: the server knows which
  // questions need one.
  protected override mayStart(): boolean {
    if (this.fields.disabled) return false
    this.sent = this.value()
    if (this.sent.length > 0) return true
    this.say({ choice: words.chooseOne, choices: words.chooseSome }[this.element.dataset.type!] ?? words.write, false)
    this.fields.querySelector('input')?.focus()
    return false
  }

  protected override load(): object {
    return { answer: this.sent ?? this.value() }
  }

  private value(): string[] {
    if (this.order) return this.order.value
    const inputs = [...this.fields.querySelectorAll('input')]
    if (inputs[0]?.type === 'text') return inputs[0].value.trim() === '' ? [] : [inputs[0].value]
    return inputs.filter((input) => input.checked).map((input) => input.value)
  }

  // refused answers are no attempts: what stood there stands again.
  protected override refused(failure: unknown): void {
    if (!(failure instanceof Refused) || failure.status < 400 || failure.status >= 500) {
      super.refused(failure)
      return
    }
    this.sent = null
    this.restore()
    const state = this.machine.state()
    this.say(inWords(failure), failure.status === 409 && !this.spent && isOff(state))
  }

  private get spent(): boolean {
    return this.element.dataset.left === '0'
  }

  protected override done(a: Attempt): void {
    if (a.left !== undefined) this.showLeft(a.left)
    if (a.feedback === undefined && this.sent === null) return // told again, of old
    this.sent = null
    const place = inside(this.element, '.answer-feedback')
    place.innerHTML = a.feedback ?? ''
    place.hidden = !a.feedback
    this.grow(place)
  }

  private showLeft(left: number): void {
    this.element.dataset.left = String(left)
    inside(this.element, '.answer-left').textContent = words.left(left)
    const focused = this.element.contains(document.activeElement)
    this.fields.disabled = left === 0
    this.button.hidden = left === 0
    for (const cost of this.element.querySelectorAll<HTMLElement>('.answer-cost')) cost.hidden = left === 0
    if (left > 0 || !focused) return
    // What is gone drops the focus to the page's top.
    const result = inside(this.element, '.check-result')
    result.tabIndex = -1
    result.focus({ preventScroll: true })
  }
}
