// What every page needs.
import { shownTheme, onTheme, toggleTheme } from './choice'
import { tellHeight } from './embed'
import { showTimes } from './times'
import { t } from './words'

function themeButton(): void {
  const button = document.getElementById('theme-toggle')
  if (!button) return
  const say = () => {
    button.title = shownTheme() === 'dark' ? t('Switch to light colours') : t('Switch to dark colours')
  }
  button.hidden = false
  button.addEventListener('click', toggleTheme)
  onTheme(say)
  say()
}

// Code that is wider than the page can be scrolled; without this, not by
// keyboard in every browser.
function focusableCode(): void {
  for (const pre of document.querySelectorAll<HTMLElement>('pre')) {
    if (pre.scrollWidth > pre.clientWidth) pre.tabIndex = 0
  }
}

themeButton()
showTimes(document)
focusableCode()
tellHeight()
addEventListener('resize', focusableCode)
