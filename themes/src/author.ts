// The preview of a course: shows what the author has saved at once, says what
// is wrong in it, and does in the machine what students will do.
import { API, inWords } from './api'
import { fieldsOf, refill } from './fields'
import { Findings, State } from './findings'
import { announce, part } from './page'
import { Lost, PageText } from './patch'
import { comeBack, keepPlace, reload } from './place'
import { courseSaved, heed, pageGrew, signal } from './signals'
import { Trials } from './trials'
import { t } from './words'

const words = {
  reset: t('A fresh machine is on its way.'),
}

const frame = part('author')
const main = document.getElementById('main')!
const base = main.dataset.api // of tutorials only
const article = main.querySelector('.work-place article.prose')
const text = base && article ? new PageText(article) : null
const findings = new Findings(base?.split('/').at(-1) ?? '')
const trials = base ? new Trials(new API(base)) : null

let working: Promise<void> = Promise.resolve()

comeBack()
void trials?.renew()
if (base) {
  heed<State>(courseSaved, saved)
  freshMachines(new API(base))
} else {
  const source = new EventSource('/api/preview/events')
  source.addEventListener('course', (e) => saved(JSON.parse((e as MessageEvent<string>).data)))
}
students()

function saved(state: State): void {
  findings.show(state)
  // One after the other: the page's text must be a whole version.
  working = working.then(() => refresh(state.revision)).catch(() => reload())
}

async function refresh(revision: string): Promise<void> {
  if (revision === '' || revision === frame.dataset.revision) return
  if (!text) {
    reload()
    return
  }
  const answer = await fetch(location.pathname, { credentials: 'same-origin' })
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
  const next = page.querySelector('.work-place article.prose')
  if (!next || machines(page) !== machines(document)) {
    reload()
    return
  }
  try {
    keepPlace(() => {
      const kept = fieldsOf(document)
      steps(page)
      const fresh = text.update(next)
      refill(fresh, kept)
      signal(pageGrew, fresh)
    })
  } catch (failure) {
    if (!(failure instanceof Lost)) throw failure
    reload()
    return
  }
  document.title = page.title
  part('score-of').textContent = page.getElementById('score-of')!.textContent
  frame.dataset.revision = page.getElementById('author')?.dataset.revision ?? revision
  findings.mark()
  await trials?.renew()
}

// machines are the page's, by their tabs: these can't be changed in place.
function machines(page: Document): string {
  return [...page.querySelectorAll<HTMLElement>('.terminal-bar .tab')].map((tab) => tab.id + tab.dataset.guest).join(' ')
}

// steps puts the new list of steps in the place of the old one.
function steps(page: Document): void {
  const titles = (root: Document) => [...root.querySelectorAll<HTMLAnchorElement>('.steps a')].map((a) => a.hash + a.querySelector('.step-title')!.textContent)
  if (titles(page).join() === titles(document).join()) return
  document.querySelector('.steps ol')!.replaceChildren(...[...page.querySelector('.steps ol')!.children].map((li) => document.importNode(li, true)))
}

function freshMachines(api: API): void {
  part('author-key').hidden = false
  addEventListener(
    'keydown',
    (e) => {
      if (!e.altKey || e.ctrlKey || e.metaKey || e.code !== 'KeyR') return
      e.preventDefault()
      e.stopPropagation() // the terminal would take it
      if (e.repeat) return
      api.post('/guest/reset').then(
        () => announce(words.reset),
        (failure) => findings.say(inWords(failure)),
      )
    },
    { capture: true },
  )
}

function students(): void {
  const form = part<HTMLFormElement>('author-student')
  form.addEventListener('submit', (e) => {
    e.preventDefault()
    const student = Number(new FormData(form).get('student'))
    new API('/api/preview').post('/student', { student }).then(reload, (failure) => findings.say(inWords(failure)))
  })
}
