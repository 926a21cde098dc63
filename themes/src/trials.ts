// Buttons at each check that do in the machine what "labmark test" does: run
// the check, a solution, a mistake.
import { API, inWords } from './api'
import { announce, button } from './page'
import { t } from './words'

// These mirror package preview of the server.
interface Blocks {
  check: string
  solutions: Block[]
  mistakes: Block[]
}

interface Block {
  line: number
  guest: string
  script?: string
  answer?: string
  expect?: string
}

interface Report {
  held: boolean
  says: string
  runs: Ran[]
}

interface Ran {
  title: string
  guest?: string
  verdict?: string
  message?: string
  status: number | null
  stdout?: string
  stderr?: string
  took: number
}

const words = {
  check: t('Run check'),
  solve: t('Do the solution'),
  mistake: (n: number) => t('Do mistake {n}', { n }),
  code: t('Solution and mistakes'),
  solution: (line: number) => t('Solution, line {line}', { line }),
  mistakeAt: (n: number, line: number) => t('Mistake {n}, line {line}', { n, line }),
  answer: (text: string) => t('Answer: {text}', { text }),
  expects: (text: string) => t('Expected to be told: “{text}”', { text }),
  running: t('Running…'),
  status: (status: number | null) => (status === null ? t('did not end by itself') : t('exit status {status}', { status })),
  silent: t('It printed nothing.'),
  stderr: t('Standard error:'),
}

export class Trials {
  constructor(private readonly api: API) {}

  // renew brings the buttons of all checks in line with the course. What came of
  // earlier runs stays.
  async renew(): Promise<void> {
    const answer = await fetch(`${this.api.base}/author/blocks`, { credentials: 'same-origin' })
    if (!answer.ok) return
    const { blocks } = (await answer.json()) as { blocks: Blocks[] }
    for (const each of blocks) {
      const check = document.getElementById(`check-${each.check}`)
      if (check) this.dress(check, each)
    }
  }

  private dress(check: HTMLElement, b: Blocks): void {
    let tools = check.querySelector<HTMLElement>('.author-tools')
    const drawn = JSON.stringify(b)
    if (tools?.dataset.drawn === drawn) return
    if (!tools) {
      tools = document.createElement('div')
      tools.className = 'author-tools'
      const report = document.createElement('div')
      report.className = 'author-report'
      report.hidden = true
      tools.append(report)
      check.append(tools)
    }
    tools.dataset.drawn = drawn
    const report = tools.querySelector<HTMLElement>('.author-report')!
    const act = (label: string, trial: object) => {
      const made = button(label, 'quiet', () => void this.run(made, report, { check: b.check, ...trial }))
      made.setAttribute('aria-label', t('{what}: {check}##button', { what: label, check: b.check }))
      return made
    }
    const buttons = document.createElement('div')
    buttons.className = 'author-buttons'
    buttons.append(act(words.check, { do: 'check' }))
    if (b.solutions.length > 0) buttons.append(act(words.solve, { do: 'solve' }))
    b.mistakes.forEach((_, i) => buttons.append(act(words.mistake(i + 1), { do: 'mistake', mistake: i })))
    const code = b.solutions.length + b.mistakes.length > 0 ? [this.code(b)] : []
    tools.replaceChildren(buttons, ...code, report)
  }

  private code(b: Blocks): HTMLElement {
    const all = document.createElement('details')
    all.className = 'author-code'
    all.append(Object.assign(document.createElement('summary'), { textContent: words.code }))
    const add = (title: string, block: Block) => {
      all.append(paragraph(title))
      if (block.answer) all.append(paragraph(words.answer(block.answer)))
      if (block.script) all.append(listing(block.script))
      if (block.expect) all.append(paragraph(words.expects(block.expect)))
    }
    for (const s of b.solutions) add(words.solution(s.line), s)
    b.mistakes.forEach((m, i) => add(words.mistakeAt(i + 1, m.line), m))
    return all
  }

  private async run(pressed: HTMLButtonElement, report: HTMLElement, trial: object): Promise<void> {
    if (report.dataset.state === 'running') return
    report.hidden = false
    report.dataset.state = 'running'
    report.replaceChildren(paragraph(words.running))
    try {
      const done = await this.api.post<Report>('/author/try', trial)
      report.dataset.state = done.held ? 'pass' : 'fail'
      const says = paragraph(done.says)
      says.className = 'author-verdict'
      report.replaceChildren(says, ...done.runs.map(ran))
      announce(done.says)
    } catch (failure) {
      report.dataset.state = 'unsure'
      report.replaceChildren(paragraph(inWords(failure)))
      announce(inWords(failure))
    }
    if (document.activeElement === document.body) pressed.focus()
  }
}

function ran(r: Ran): HTMLElement {
  const part = document.createElement('div')
  part.className = 'author-ran'
  const head = [r.title, r.guest, r.verdict, r.guest && words.status(r.status), r.guest && `${r.took} ms`].filter(Boolean).join(' · ')
  part.append(paragraph(head))
  if (r.verdict && r.message) part.append(paragraph(r.message))
  if (r.stdout) part.append(listing(r.stdout))
  if (r.stderr) part.append(paragraph(words.stderr), listing(r.stderr))
  if (r.guest && !r.stdout && !r.stderr) part.append(paragraph(words.silent))
  return part
}

const paragraph = (text: string) => Object.assign(document.createElement('p'), { textContent: text })

function listing(text: string): HTMLElement {
  const pre = document.createElement('pre')
  pre.tabIndex = 0
  pre.append(Object.assign(document.createElement('code'), { textContent: text }))
  return pre
}
