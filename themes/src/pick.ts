// Choosing what a deep linking request adds: search, a count, previews.
import { inside, part } from './page'
import { count, t } from './words'

export function picker(): void {
  const form = document.getElementById('pick') as HTMLFormElement | null
  if (!form) return
  const places = [...form.querySelectorAll<HTMLElement>('.pick-one')]
  const boxes = [...form.querySelectorAll<HTMLInputElement>('[name=pick]')]
  const add = part<HTMLButtonElement>('pick-add')
  const says = part('pick-count')

  const draw = () => {
    const chosen = boxes.filter((b) => b.checked).length
    says.textContent = chosen === 0 ? t('Nothing chosen yet') : count(chosen, '{n} chosen', '{n} chosen')
    // aria-disabled and not disabled: who tabs to it should learn why.
    if (chosen === 0) add.setAttribute('aria-disabled', 'true')
    else add.removeAttribute('aria-disabled')
    for (const place of places) {
      place.toggleAttribute('data-picked', inside<HTMLInputElement>(place, '[name=pick]').checked)
    }
  }
  form.addEventListener('change', draw)
  form.addEventListener('submit', (e) => {
    if (e.submitter === add && !boxes.some((b) => b.checked)) {
      e.preventDefault()
      says.textContent = t('Choose at least one.')
    }
  })
  draw()
  search(form, places)
  previews()
}

function search(form: HTMLFormElement, places: HTMLElement[]): void {
  const filter = part<HTMLInputElement>('pick-filter')
  part('pick-tools').hidden = false
  // Enter in the search field must not send the form.
  filter.addEventListener('keydown', (e) => {
    if (e.key === 'Enter') e.preventDefault()
  })
  filter.addEventListener('input', () => {
    const words = filter.value.trim().toLocaleLowerCase().split(/\s+/)
    let found = 0
    for (const place of places) {
      const course = place.closest('fieldset')!.querySelector('legend')!.textContent ?? ''
      const text = `${course} ${inside(place, '.pick-label').textContent}`.toLocaleLowerCase()
      const chosen = inside<HTMLInputElement>(place, '[name=pick]').checked
      const on = words.every((w) => text.includes(w))
      place.hidden = !on && !chosen // what is chosen stays in sight
      if (on) found++
    }
    for (const set of form.querySelectorAll<HTMLElement>('.pick-course')) {
      set.hidden = !set.querySelector('.pick-one:not([hidden])')
    }
    part('pick-found').textContent = filter.value.trim() === '' ? '' : count(found, '{n} found', '{n} found')
  })
}

// previews open over the page, so that nothing chosen is lost. In a frame a
// new tab might not be signed in.
function previews(): void {
  const dialog = part<HTMLDialogElement>('preview-dialog')
  const place = part('preview-place')
  for (const link of document.querySelectorAll<HTMLAnchorElement>('[data-preview]')) {
    link.addEventListener('click', async (e) => {
      if (e.ctrlKey || e.metaKey || e.shiftKey) return
      e.preventDefault()
      place.textContent = t('Loading…')
      dialog.showModal()
      place.replaceChildren(await preview(link.href))
      dialog.scrollTop = 0
    })
  }
}

async function preview(url: string): Promise<Node> {
  const failed = document.createTextNode(t('The preview cannot be shown. Try again in a moment.'))
  try {
    const response = await fetch(url, { credentials: 'same-origin' })
    if (!response.ok) return failed
    const page = new DOMParser().parseFromString(await response.text(), 'text/html')
    const text = page.querySelector('article')
    // Its links within the page lead nowhere here, and names must stay unique.
    for (const el of text?.querySelectorAll('[id]') ?? []) el.removeAttribute('id')
    for (const el of text?.querySelectorAll('[aria-labelledby]') ?? []) el.removeAttribute('aria-labelledby')
    return text ? document.adoptNode(text) : failed
  } catch {
    return failed
  }
}
