// Blocks of code: each that has a language can be copied.
import { announce, copyText, inside } from './page'
import { t } from './words'

const words = { copy: t('Copy'), code: t('the code'), copied: t('Copied.'), refused: t('The browser did not let this page copy.'), done: t('Copied') }

export function copyButtons(root: ParentNode): void {
  for (const pre of root.querySelectorAll<HTMLPreElement>('pre[data-code]')) {
    if (pre.parentElement!.classList.contains('copyable')) continue
    const frame = document.createElement('div')
    frame.className = 'copyable'
    pre.replaceWith(frame)
    frame.append(pre, copyButton(pre))
  }
}

function copyButton(pre: HTMLPreElement): HTMLButtonElement {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'quiet copy-code'
  button.innerHTML = '<svg class="icon" aria-hidden="true" focusable="false"><use href="#i-copy"/></svg><span></span><span class="visually-hidden"></span>'
  const label = inside(button, 'span')
  label.textContent = words.copy
  inside(button, '.visually-hidden').textContent = ' ' + words.code
  let timer = 0
  button.addEventListener('click', () => {
    void copyText(codeOf(pre)).then((done) => {
      announce(done ? words.copied : words.refused)
      label.textContent = done ? words.done : words.copy
      clearTimeout(timer)
      timer = window.setTimeout(() => (label.textContent = words.copy), 2000)
    })
  })
  return button
}

// codeOf is what one wants to paste: of a session at a prompt, the commands.
function codeOf(pre: HTMLPreElement): string {
  const lines = [...pre.querySelectorAll<HTMLElement>('.line')]
  const prompts = lines.filter((line) => line.querySelector('.gp'))
  if (prompts.length === 0) return pre.textContent ?? ''
  return prompts.map((line) => commandOf(line)).join('')
}

function commandOf(line: HTMLElement): string {
  const copy = line.cloneNode(true) as HTMLElement
  for (const prompt of copy.querySelectorAll('.gp')) prompt.remove()
  return (copy.textContent ?? '').replace(/^ /, '')
}

// wideCode lets what is wider than the page be scrolled by keyboard.
export function wideCode(root: ParentNode): void {
  for (const e of root.querySelectorAll<HTMLElement>('.prose table, .math.display')) {
    if (e.scrollWidth > e.clientWidth) e.tabIndex = 0
  }
}
