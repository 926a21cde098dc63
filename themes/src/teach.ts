// The pages of those who teach, and of administrators.
import { grid } from './class'
import { copyText, inside } from './page'
import { picker } from './pick'
import { count, t } from './words'

grid()
picker()
zones()
copyButtons()
checkFilter()
openTarget()

// zones shows dates in the reader's zone instead of UTC, and says which it is.
function zones(): void {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const marked = document.querySelectorAll<HTMLElement>('[data-zone]')
  if (!zone || marked.length === 0) return
  for (const el of marked) {
    if (el instanceof HTMLInputElement) el.value = zone
    else el.textContent = zone
  }
  for (const input of document.querySelectorAll<HTMLInputElement>('input[data-at]')) {
    const at = new Date(input.dataset.at!)
    // The input's value has no zone; this is the one of the reader's clock.
    input.value = new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
  }
}

function copyButtons(): void {
  for (const b of document.querySelectorAll<HTMLButtonElement>('[data-copy]')) {
    b.hidden = false
    b.addEventListener('click', async () => {
      const words = inside(b, 'span')
      words.textContent = (await copyText(b.dataset.copy!)) ? t('Copied') : t('Copy it by hand')
      setTimeout(() => (words.textContent = t('Copy')), 3000)
    })
  }
}

// checkFilter lets the marks above a student's attempts choose whose are shown.
function checkFilter(): void {
  const marks = document.getElementById('check-filter')
  if (!marks) return
  const attempts = [...document.querySelectorAll<HTMLElement>('.attempt')]
  const says = document.getElementById('filter-says')!
  const all = says.textContent ?? ''
  let chosen = ''
  for (const mark of marks.querySelectorAll<HTMLElement>('li')) {
    const button = document.createElement('button')
    button.type = 'button'
    button.setAttribute('aria-pressed', 'false')
    button.append(...mark.childNodes)
    mark.append(button)
    button.addEventListener('click', () => {
      chosen = chosen === mark.dataset.check ? '' : mark.dataset.check!
      for (const b of marks.querySelectorAll('button')) b.setAttribute('aria-pressed', String(b === button && chosen !== ''))
      let shown = 0
      for (const a of attempts) {
        a.hidden = chosen !== '' && a.dataset.check !== chosen
        if (!a.hidden) shown++
      }
      says.textContent = chosen
        ? count(attempts.length, '{shown} of {n} attempts. Press again to see all.', '{shown} of {n} attempts. Press again to see all.', { shown })
        : all
    })
  }
}

// openTarget unfolds the evidence of the attempt that a link led to.
function openTarget(): void {
  const open = () => {
    const details = document.getElementById(decodeURIComponent(location.hash.slice(1)))?.querySelector('details')
    if (details) details.open = true
  }
  addEventListener('hashchange', open)
  open()
}
