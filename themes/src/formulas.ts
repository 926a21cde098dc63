// Formulas: their source is in the page, KaTeX sets them.
import type { render } from 'katex'
import { asset } from './prose'
import { wideCode } from './listings'
import { t } from './words'

const words = { wrong: t('This formula has a mistake and is shown as it is written.') }

let katex: Promise<{ render: typeof render }> | undefined

// load brings KaTeX and its style sheet, without which formulas would be
// shown twice: for the eye and for screen readers.
function load(): Promise<{ render: typeof render }> {
  const sheet = document.createElement('link')
  sheet.rel = 'stylesheet'
  sheet.href = asset('mathsStyle')
  const styled = new Promise((resolve, reject) => {
    sheet.onload = resolve
    sheet.onerror = reject
  })
  document.head.append(sheet)
  return Promise.all([import(asset('maths')) as Promise<{ render: typeof render }>, styled]).then(([module]) => module)
}

export async function setFormulas(root: ParentNode): Promise<void> {
  const formulas = [...root.querySelectorAll<HTMLElement>('.math:not([data-set])')]
  if (formulas.length === 0) return
  for (const f of formulas) f.dataset.set = ''
  try {
    katex ??= load()
    const { render } = await katex
    for (const f of formulas) setFormula(f, render)
    wideCode(root)
  } catch {
    katex = undefined // the source stays, which can be read; the next hint tries again
  }
}

function setFormula(f: HTMLElement, set: typeof render): void {
  const place = document.createElement('span')
  try {
    set(f.textContent ?? '', place, { displayMode: f.classList.contains('display'), throwOnError: true, strict: 'ignore', trust: false, maxSize: 50, maxExpand: 1000 })
    f.replaceChildren(...place.childNodes)
  } catch {
    f.classList.add('math-wrong')
    const notice = document.createElement('small')
    notice.textContent = ` (${words.wrong})`
    f.after(notice)
  }
}
